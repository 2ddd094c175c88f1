"""An application on the port that people reach."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ..model.errors import InvalidSettings
from ..settings import Settings

SHUTDOWN_WITHIN_S = 5.0


@asynccontextmanager
async def listening(application: web.Application, settings: Settings, *, decompress: bool = True) -> AsyncIterator[int]:
    """Serve `application` at HOST and PORT, encrypted if TLS_CERTIFICATE is set; yield the port.

    Bodies of requests are decompressed unless told otherwise.

    Raises:
        InvalidSettings: If the port cannot be used, or the certificate or its key.
    """
    # Access logs name paths and statuses only; tokens travel in headers and in messages.
    runner = web.AppRunner(
        application,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=SHUTDOWN_WITHIN_S,
        auto_decompress=decompress,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, ssl_context=_tls(settings))
        try:
            await site.start()
        except OSError as error:
            raise InvalidSettings(
                f"Port {settings.port} on {settings.host} cannot be used ({error.strerror or error}): "
                "stop what listens there, or choose another with --port."
            ) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise InvalidSettings(
            f"TLS_CERTIFICATE {settings.tls_certificate} and TLS_KEY {settings.tls_key} cannot be used: {error}."
        ) from error
    return context
