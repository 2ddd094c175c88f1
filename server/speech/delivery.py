"""Events on their way from a stream to whoever iterates over it."""

from __future__ import annotations

import asyncio

from .port import SpeechEvent


class Delivery:
    """A queue with an end: after it, iteration stops, for everybody and for good."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[SpeechEvent | None] = asyncio.Queue()

    def __len__(self) -> int:
        return self._events.qsize()

    def put(self, event: SpeechEvent) -> None:
        """Add an event."""
        self._events.put_nowait(event)

    def end(self) -> None:
        """State that no event follows."""
        self._events.put_nowait(None)

    async def next(self) -> SpeechEvent:
        """Return the next event, when it comes; raises StopAsyncIteration after the last."""
        event = await self._events.get()
        if event is None:
            self._events.put_nowait(None)
            raise StopAsyncIteration
        return event
