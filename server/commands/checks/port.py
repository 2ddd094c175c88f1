"""The port of the page and API."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl

from ...settings import Settings
from .finding import Finding, fail, ok

ANSWER_TIMEOUT_S = 3.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104


async def check(settings: Settings) -> Finding:
    """Tell whether the port is free, or Escuta answers there already."""
    where = f"{settings.host}:{settings.port}"
    error = await asyncio.to_thread(_bind, settings.host, settings.port)
    if error is None:
        return ok(f"{where} is free.")
    if error.errno == errno.EADDRINUSE:
        if await _is_escuta(settings):
            return ok(f"Escuta answers on {where}.")
        return fail(f"{where} is taken by another program: stop it, or set another PORT.")
    return fail(f"{where} cannot be listened on ({error.strerror or error}): correct HOST and PORT.")


def _bind(host: str, port: int) -> OSError | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the server does: a connection that has just ended does not keep the port taken.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        return error
    return None


async def _is_escuta(settings: Settings) -> bool:
    import aiohttp

    host = _EVERYWHERE.get(settings.host, settings.host)
    scheme = "https" if settings.tls_certificate else "http"
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}/healthz"
    # Only whether it answers is asked; the certificate has a check of its own.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url, ssl=context) as response:
            return response.status == 200 and "status" in await response.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False
