"""A false service on a port of its own, for as long as a test needs it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

CLOSING = web.AppKey("closing", asyncio.Event)
"""Set when the test is over: whoever hangs on purpose lets go."""


@asynccontextmanager
async def served(
    application: web.Application, tls: ssl.SSLContext | None = None, shutdown_s: float = 1.0
) -> AsyncIterator[str]:
    """Serve `application`; give its address, without a path."""
    application[CLOSING] = asyncio.Event()
    runner = web.AppRunner(application, shutdown_timeout=shutdown_s)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        application[CLOSING].set()
        await runner.cleanup()
