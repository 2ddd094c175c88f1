"""Which addresses and ports media uses, what the answer says of them, and short-lived TURN credentials."""

from __future__ import annotations

import base64
import errno
import hashlib
import hmac
import ipaddress
import re
import secrets
import socket
import urllib.parse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import ifaddr

from ..model.errors import InvalidRequest, InvalidSettings, Unavailable
from ..settings import Settings

# Bridges of containers and virtual machines: no browser can reach them, each costs it a round of checks.
BRIDGES = re.compile(r"(docker|br-|veth|virbr|lxcbr|lxdbr|cni|flannel|podman|cali|vmnet|vboxnet)")
MAX_ADDRESSES = 8
RECEIVE_BUFFER_BYTES = 1 << 20
MAX_TURN_IDENTITY_BYTES = 256


@dataclass(frozen=True, slots=True)
class IceSettings:
    """`advertised_ip` takes the place of local addresses in the answer; port 0 lets the system choose."""

    advertised_ip: str | None = None
    port_min: int = 0
    port_max: int = 0


@dataclass(frozen=True, slots=True)
class IceServerGrant:
    """As RTCIceServer."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteCandidate:
    """A trickled candidate that can be used: UDP, component 1, an address and not a name."""

    foundation: str
    priority: int
    ip: str
    port: int
    type: str


def ice_settings(settings: Settings) -> IceSettings:
    """Read what concerns ICE.

    Raises:
        InvalidSettings: If ADVERTISED_IP is not an IP address.
    """
    try:
        ipaddress.ip_address(settings.advertised_ip or "127.0.0.1")
    except ValueError as error:
        raise InvalidSettings(
            f"ADVERTISED_IP is {settings.advertised_ip}, which is no IP address: set the server's public one in .env."
        ) from error
    return IceSettings(settings.advertised_ip, settings.udp_port_min, settings.udp_port_max)


def ice_servers(settings: Settings, identity: str, now: float) -> tuple[IceServerGrant, ...]:
    """Return the STUN and TURN servers for one participant; `now` is Unix time in seconds.

    Source: draft-uberti-behave-turn-rest-00, coturn's use-auth-secret.
    """
    grants: list[IceServerGrant] = []
    stun = _split(settings.stun_urls)
    turn = _split(settings.turn_urls)
    if stun:
        grants.append(IceServerGrant(stun))
    if turn and settings.turn_secret is not None:
        # coturn refuses names with spaces or quotes, and STUN long ones.
        name = urllib.parse.quote(identity, safe="@")[:MAX_TURN_IDENTITY_BYTES]
        username = f"{int(now) + settings.turn_ttl_s}:{name}"
        secret = settings.turn_secret.get_secret_value().encode()
        digest = hmac.new(secret, username.encode(), hashlib.sha1).digest()
        grants.append(IceServerGrant(turn, username, base64.b64encode(digest).decode()))
    return tuple(grants)


def _split(urls: str) -> tuple[str, ...]:
    return tuple(url.strip() for url in urls.split(",") if url.strip())


def interfaces() -> list[tuple[str, str]]:
    """Return (interface name, address) of every address of this machine."""
    found: list[tuple[str, str]] = []
    for adapter in ifaddr.get_adapters():
        for address in adapter.ips:
            ip = address.ip if isinstance(address.ip, str) else address.ip[0]
            found.append((adapter.name, ip))
    return found


def host_addresses(found: Iterable[tuple[str, str]]) -> list[str]:
    """Return the addresses to offer: IPv4 first, then IPv6, and 127.0.0.1 last for a browser on this machine.

    Container bridges, link-local and further loopback addresses are left out.
    """
    addresses: dict[str, int] = {}
    for name, text in found:
        ip = ipaddress.ip_address(text)
        if BRIDGES.match(name) or ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_multicast:
            continue
        addresses[str(ip)] = ip.version
    ordered = sorted(addresses, key=lambda address: addresses[address])
    return [*ordered[: MAX_ADDRESSES - 1], "127.0.0.1"]


def announced(address: str, settings: IceSettings) -> str:
    """Return what the answer calls a local address: behind 1:1 NAT the public one, for loopback itself."""
    if settings.advertised_ip is None or ipaddress.ip_address(address).is_loopback:
        return address
    public = ipaddress.ip_address(settings.advertised_ip)
    return str(public) if public.version == ipaddress.ip_address(address).version else address


def bind_udp(address: str, settings: IceSettings) -> socket.socket:
    """Return a non-blocking UDP socket on `address`, in the port range.

    Raises:
        OSError: If the address cannot be bound.
        Unavailable: If every port of the range is taken.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for port in _ports(settings):
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            sock.bind((address, port))
        except OSError as error:
            sock.close()
            if not port or error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
        else:
            return sock
    raise Unavailable(
        f"Every UDP port from {settings.port_min} to {settings.port_max} is in use: "
        "widen UDP_PORT_MIN to UDP_PORT_MAX in .env."
    )


def _ports(settings: IceSettings) -> Iterator[int]:
    """Yield each port of the range once, from a random one on, so that parallel calls rarely collide."""
    first, last = settings.port_min, settings.port_max
    if not last:
        yield 0
        return
    first = max(1, first)
    count = last - first + 1
    start = secrets.randbelow(count)
    for step in range(count):
        yield first + (start + step) % count


def read_candidate(candidate: str) -> RemoteCandidate | None:
    """Read a trickled candidate; None for one that ICE here has no use for (mDNS names, TCP, local scopes).

    Raises:
        InvalidRequest: If it is not an ICE candidate.
    """
    parts = candidate.removeprefix("a=").removeprefix("candidate:").split()
    if len(parts) < 8 or parts[6] != "typ" or not all(part.isdecimal() for part in (parts[1], parts[3], parts[5])):
        raise InvalidRequest("The ICE candidate cannot be read: send the browser's candidate line unchanged.")
    foundation, component, protocol, priority, address, port, _, kind = parts[:8]
    if len(priority) > 10 or len(port) > 5 or not candidate.isascii() or int(port) > 65535:
        raise InvalidRequest("The ICE candidate has a priority or port out of range; send it unchanged.")
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    useless = ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved
    if component != "1" or protocol.lower() != "udp" or kind not in ("host", "srflx", "relay") or useless:
        return None
    if not int(port) or len(foundation) > 32:
        return None
    return RemoteCandidate(foundation, int(priority), str(ip), int(port), kind)
