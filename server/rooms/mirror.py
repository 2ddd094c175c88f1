"""Copies a room's events and presence to the live store, beside the call and never in its way."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from ..live.port import LiveStore, Presence
from ..model.consultation import Role
from ..model.errors import EscutaError
from ..model.events import Event

log = structlog.get_logger()

CAPACITY = 2000
RETRY_AFTER_S = 1.0


class Mirror:
    """A bounded queue into the live store; when full, the oldest waiting write is dropped and counted."""

    def __init__(self, store: LiveStore, consultation_id: str) -> None:
        self.dropped = 0
        self.failing = False
        self._store = store
        self._id = consultation_id
        self._waiting: deque[Callable[[], Awaitable[None]]] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def event(self, sequence: int, event: Event) -> None:
        """Copy a numbered event."""
        self._add(lambda: self._store.append(self._id, sequence, event))

    def presence(self, role: Role, presence: Presence | None) -> None:
        """Copy who sits in a seat."""
        self._add(lambda: self._store.set_presence(self._id, role, presence))

    def close(self) -> None:
        """Let `run` end once what waits is written, or cannot be."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        """Write until closed; retry while the store is away."""
        while True:
            while self._waiting:
                if not await self._write(self._waiting[0]):
                    if self._closed:
                        return
                    await asyncio.sleep(RETRY_AFTER_S)
                    continue
                self._waiting.popleft()
            if self._closed:
                return
            self._wake.clear()
            await self._wake.wait()

    async def forget(self) -> None:
        """Drop the consultation from the live store."""
        await self._write(lambda: self._store.forget(self._id))

    async def _write(self, write: Callable[[], Awaitable[None]]) -> bool:
        try:
            await write()
        except EscutaError as error:
            if not self.failing:
                log.warning("live.failing", code=error.code)
            self.failing = True
            return False
        self.failing = False
        return True

    def _add(self, write: Callable[[], Awaitable[None]]) -> None:
        if len(self._waiting) >= CAPACITY:
            # The head may be in flight: give up the one behind it.
            del self._waiting[1]
            self.dropped += 1
        self._waiting.append(write)
        self._wake.set()
