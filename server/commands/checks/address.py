"""The address at which browsers reach the media."""

from __future__ import annotations

import asyncio
import ipaddress

from ...settings import Settings
from .finding import Finding, fail, ok, warn


async def check(settings: Settings) -> Finding:
    """Tell which address the browsers are told, and who can reach it."""
    from ...media.ice import host_addresses, interfaces

    if settings.advertised_ip is None:
        own = host_addresses(await asyncio.to_thread(interfaces))
        public = [address for address in own if ipaddress.ip_address(address).is_global]
        if public or settings.host in {"127.0.0.1", "::1", "localhost"}:
            return ok(f"Browsers are told {', '.join(own)}.")
        return warn(
            f"Browsers are told {', '.join(own)}, which only this network reaches: set ADVERTISED_IP to the public "
            "address if others shall."
        )
    return _judge(settings.advertised_ip)


def _judge(text: str) -> Finding:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return fail(f"ADVERTISED_IP is {text!r}: set an IP address, not a name.")
    if address.is_unspecified or address.is_multicast or address.is_reserved:
        return fail(f"ADVERTISED_IP is {address}, which no browser can reach: set this machine's public address.")
    if address.is_loopback:
        return warn(f"ADVERTISED_IP is {address}: only browsers on this machine reach it.")
    if not address.is_global:
        return warn(f"ADVERTISED_IP is {address}: only browsers in that network reach it.")
    return ok(f"Browsers are told {address}.")
