"""The server itself: health, metrics, the OpenAPI document, and the way to the socket."""

from __future__ import annotations

from aiohttp import web

from .exchange import Speaks, json_response, speaks
from .keys import METRICS, OPENAPI, SOCKET
from .metrics import CONTENT_TYPE
from .resources import Health


@speaks(Speaks(returns=Health))
async def read_health(request: web.Request) -> web.Response:  # noqa: ARG001
    """Tell that the server answers."""
    return json_response(Health())


@speaks(Speaks(contents=("text/plain",)))
async def read_metrics(request: web.Request) -> web.Response:
    """Read the metrics as Prometheus text."""
    return web.Response(text=request.app[METRICS].exposition(), headers={"Content-Type": CONTENT_TYPE})


@speaks(Speaks(contents=("application/json",)))
async def read_openapi(request: web.Request) -> web.Response:
    """Read this document."""
    return web.Response(body=request.app[OPENAPI], content_type="application/json")


async def open_socket(request: web.Request) -> web.StreamResponse:
    """Open the signaling socket; docs/protocol.md says how to speak on it."""
    return await request.app[SOCKET](request)
