"""Consent checks in the place of aioice's own, which no round trip above 0.5 s passes.

Like `aiortc_seam.py` it touches private names of aioice, and the same tests hold them.
"""

from __future__ import annotations

import asyncio

import structlog
from aioice.ice import Connection
from aioice.stun import TransactionError

from .consent import RETRANSMISSIONS, Consent

log = structlog.get_logger()


async def keep_consent(connection: Connection) -> None:
    """Check for as long as the connection lives; close it when consent has expired."""
    loop = asyncio.get_running_loop()
    consent = Consent(loop.time())
    while not consent.expired(loop.time()):
        await asyncio.sleep(consent.wait_s())
        consent.checked(await _is_given(connection), loop.time())
    log.info("media.consent_expired")
    # Closing would wait for this very task.
    connection._query_consent_task = None
    await connection.close()


async def _is_given(connection: Connection) -> bool:
    pair, password = connection._nominated.get(1), connection.remote_password
    if pair is None or password is None:
        return False
    request = connection.build_request(pair, nominate=False)
    try:
        await pair.protocol.request(
            request, pair.remote_addr, integrity_key=password.encode(), retransmissions=RETRANSMISSIONS
        )
    except TransactionError:
        return False
    return True
