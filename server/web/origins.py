"""Which pages may open the socket."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from ..model.errors import Forbidden
from ..settings import Settings

_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_allowed(request: web.Request, settings: Settings) -> bool:
    """Return whether the page that sent `request` may talk to this server.

    Allowed: the server's own origin, PUBLIC_URL's, those of ALLOWED_ORIGINS, and callers without an Origin
    header, which are no browsers.
    """
    headers = request.headers.getall("Origin", [])
    if not headers:
        return True
    if len(headers) != 1:
        return False
    origin = normal_origin(headers[0])
    if origin is None:
        return False
    own = [f"{request.scheme}://{request.host}", settings.public_url or "", *settings.allowed_origins.split(",")]
    return origin in {normal_origin(address.strip()) for address in own}


def check_origin(request: web.Request, settings: Settings) -> None:
    """Raise Forbidden unless the page that sent `request` may open the socket."""
    if not origin_allowed(request, settings):
        raise Forbidden("This page's origin may not open the socket: add it to ALLOWED_ORIGINS.")


def normal_origin(address: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port of `address`, None if it has no origin (`null`, a file, nonsense)."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname.lower(), port or _DEFAULT_PORTS[parts.scheme]
