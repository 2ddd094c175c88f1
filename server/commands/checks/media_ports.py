"""The UDP ports of the media."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from ...settings import Settings
from .finding import Finding, fail, ok, warn

PORTS_PER_CALL = 2


async def check(settings: Settings) -> Finding:
    """Tell how many calls the free ports of the range carry."""
    first, last = settings.udp_port_min, settings.udp_port_max
    if last == 0:
        if settings.advertised_ip:
            return warn("ADVERTISED_IP is set but no port range: set UDP_PORT_MIN and UDP_PORT_MAX and forward them.")
        return ok("The system chooses UDP ports.")
    first = max(1, first)
    free = await asyncio.to_thread(_count_free, first, last)
    sentence = f"{free} of the {last - first + 1} UDP ports {first} to {last} are free"
    if free == 0:
        return fail(f"{sentence}: widen UDP_PORT_MIN to UDP_PORT_MAX.")
    if free < PORTS_PER_CALL:
        return warn(f"{sentence}, a call takes {PORTS_PER_CALL} and more: widen UDP_PORT_MIN to UDP_PORT_MAX.")
    return ok(f"{sentence}.")


def _count_free(first: int, last: int) -> int:
    free = 0
    for port in range(first, last + 1):
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("", port))
            free += 1
    return free
