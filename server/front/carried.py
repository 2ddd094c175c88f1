"""What a worker must know of the connection that the front holds: who called, and whether it was encrypted.

It travels in headers that the front alone can set: those of the same name from outside are not passed on. The worker
believes them because they come through a socket in a folder that is its owner's alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from multidict import CIMultiDict

from ..model.errors import InvalidRequest
from ..web.keys import Handler

REMOTE, SCHEME = "Escuta-Front-Remote", "Escuta-Front-Scheme"
_OURS = "escuta-front-"
_ONE_HOP = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)  # RFC 9110, 7.6.1
_NEVER_FOR_ONE_HOP = frozenset({"forwarded", "host", "origin", "via", "x-forwarded-for", "x-real-ip"})
"""What the worker judges the caller by: no caller may have it taken away by naming it in `Connection`."""


def onward(request: web.Request) -> CIMultiDict[str]:
    """Return the headers with which `request` goes to a worker.

    Its length is not among them: that is told by who sends a body, and only with the body. A length without one would
    make the worker take the next request of the connection for the body.

    Raises:
        InvalidRequest: If a header is not in UTF-8.
    """
    headers = end_to_end(request.headers.items(), request.headers.getall("Connection", []))
    try:
        for value in headers.values():
            value.encode()
    except UnicodeEncodeError:
        raise InvalidRequest("A header of the request is not in UTF-8.") from None
    headers.popall("Content-Length", None)
    headers[REMOTE] = request.remote or ""
    headers[SCHEME] = request.scheme
    return headers


def end_to_end(headers: Iterable[tuple[str, str]], connection: Iterable[str] = ()) -> CIMultiDict[str]:
    """Return the headers that are meant for the other end, not for one hop, and none of ours."""
    named = {name.strip().lower() for value in connection for name in value.split(",")}
    named -= _NEVER_FOR_ONE_HOP
    kept: CIMultiDict[str] = CIMultiDict()
    for name, value in headers:
        lower = name.lower()
        if lower not in _ONE_HOP and lower not in named and not lower.startswith(_OURS):
            kept.add(name, value)
    return kept


@web.middleware
async def as_it_came(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a worker's handlers see `request` as it came to the front."""
    remote, scheme = request.headers.get(REMOTE, ""), request.headers.get(SCHEME, "http")
    return await handler(request.clone(remote=remote, scheme=scheme))
