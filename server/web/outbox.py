"""What waits to be sent through one socket: bounded, in order, and it never blocks who puts something in."""

from __future__ import annotations

import asyncio
from collections import deque

from aiohttp import web

from .messages import CloseCode, EventMessage, ServerMessage

CAPACITY = 6000
"""Enough for a whole replay; a browser further behind is closed and comes back with `after`."""


class Outbox:
    """Messages for one browser. `run` sends them until `close`."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.dropped_interims = 0
        self._socket = socket
        self._waiting: deque[ServerMessage] = deque()
        self._wake = asyncio.Event()
        self._close: tuple[int, str] | None = None

    def send(self, message: ServerMessage) -> None:
        """Queue a message; interim transcripts give way when the browser is slow."""
        if self._close is not None:
            return
        if len(self._waiting) >= CAPACITY and not self._drop_interim():
            self.close(CloseCode.UNAVAILABLE, "too slow")
            return
        self._waiting.append(message)
        self._wake.set()

    def close(self, code: int, reason: str) -> None:
        """Close once what waits is sent."""
        if self._close is None:
            self._close = (code, reason)
            self._wake.set()

    async def run(self) -> None:
        """Send until closed, then close the socket."""
        while True:
            while self._waiting:
                text = self._waiting.popleft().model_dump_json()
                try:
                    await self._socket.send_str(text)
                except ConnectionError:
                    return
            if self._close is not None:
                code, reason = self._close
                await self._socket.close(code=code, message=reason.encode())
                return
            self._wake.clear()
            await self._wake.wait()

    def _drop_interim(self) -> bool:
        for index, message in enumerate(self._waiting):
            if isinstance(message, EventMessage) and message.sequence == 0:
                del self._waiting[index]
                self.dropped_interims += 1
                return True
        return False
