"""The TURN servers handed to the browsers."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

from ...settings import Settings
from .finding import Finding, fail, ok

ALLOCATE_TIMEOUT_S = 6.0
_URL = re.compile(
    r"(?P<scheme>turns?):(?P<host>\[[0-9a-fA-F:.]+\]|[^:?\[\]]+)(?::(?P<port>\d+))?(?:\?transport=(?P<transport>udp|tcp))?"
)


async def check(settings: Settings) -> Finding:
    """Tell whether every TURN server gives a relay address to credentials as participants get them."""
    from ...media.ice import ice_servers

    grants = [grant for grant in ice_servers(settings, "doctor", time.time()) if grant.username is not None]
    urls = [url for grant in grants for url in grant.urls]
    if not urls:
        return ok("No TURN server is set: browsers that cannot send UDP to this machine cannot call.")
    username, password = grants[0].username, grants[0].credential
    faults = [
        f"{url} {fault}" for url in urls if (fault := await _allocate(url, username or "", password or "")) is not None
    ]
    if faults:
        return fail(f"{'; '.join(faults)}. Check TURN_URLS, TURN_SECRET and the server (coturn/README.md).")
    return ok(f"{', '.join(urls)}: a relay address was given.")


async def _allocate(url: str, username: str, password: str) -> str | None:
    """Ask for a relay address and give it back; return what went wrong, None if nothing did."""
    from aioice import stun, turn

    parts = _URL.fullmatch(url)
    if parts is None:
        return "is not like turn:host:3478?transport=udp"
    secure = parts["scheme"] == "turns"
    port = int(parts["port"] or (5349 if secure else 3478))
    transport = "tcp" if secure else parts["transport"] or "udp"
    options: dict[str, Any] = {"transport": transport, "ssl": True if secure else None}
    closed = _Closed()
    try:
        async with asyncio.timeout(ALLOCATE_TIMEOUT_S):
            allocation, _ = await turn.create_turn_endpoint(
                lambda: closed, (parts["host"].strip("[]"), port), username, password, **options
            )
            allocation.close()
            await closed.event.wait()
    except stun.TransactionFailed as error:
        code, reason = error.response.attributes.get("ERROR-CODE", (0, "without a reason"))
        return f"refused: {code} {reason}"
    except (stun.TransactionError, TimeoutError):
        return "does not answer"
    except OSError as error:
        return f"cannot be reached ({error.strerror or error})"
    return None


class _Closed(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.event = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.event.set()
