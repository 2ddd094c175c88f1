"""The room's event bus: every fact once, to each that asked for its kind."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from .events import EPHEMERAL, Event


class Subscription:
    """A bounded, ordered view of the bus; iterate it until the bus closes.

    When full, the oldest ephemeral event gives way (`dropped` counts it); facts that must be kept are
    never dropped for ephemeral ones. If `capacity` facts wait unread, the oldest fact is dropped and
    `lost_facts` counts it: a reader that cares sizes its capacity so that this stays 0.
    """

    def __init__(self, types: tuple[type[Event], ...], capacity: int) -> None:
        self.types = types
        self.capacity = capacity
        self.dropped = 0
        self.lost_facts = 0
        self._events: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def offer(self, event: Event) -> None:
        """Take `event` if it is of a wanted kind. Never blocks."""
        if self._closed or (self.types and not isinstance(event, self.types)):
            return
        if len(self._events) >= self.capacity:
            self._make_room()
        self._events.append(event)
        self._wake.set()

    def close(self) -> None:
        """End the iteration once what waits has been read."""
        self._closed = True
        self._wake.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._events.popleft()

    def _make_room(self) -> None:
        for index, waiting in enumerate(self._events):
            if isinstance(waiting, EPHEMERAL):
                del self._events[index]
                self.dropped += 1
                return
        self._events.popleft()
        self.lost_facts += 1


class EventBus:
    """One per room. `publish` never blocks and never raises for a slow reader."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._closed = False

    def publish(self, event: Event) -> None:
        """Hand `event` to every subscription that asked for its kind."""
        for subscription in tuple(self._subscriptions):
            subscription.offer(event)

    @contextmanager
    def subscribe(self, *types: type[Event], capacity: int = 1000) -> Iterator[Subscription]:
        """Subscribe to `types` (all, if none is named) for the length of the `with` block."""
        subscription = Subscription(types, capacity)
        if self._closed:
            subscription.close()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End every subscription once it has read what waits."""
        self._closed = True
        for subscription in tuple(self._subscriptions):
            subscription.close()
