"""How storage is doing, told to whoever asked."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ..model.events import SidecarState

log = structlog.get_logger()

Subscriber = Callable[[SidecarState, str], None]


class Status:
    """The present state and its one-sentence detail; subscribers hear of every change of state."""

    def __init__(self) -> None:
        self.state: SidecarState = "ok"
        self.detail = ""
        self.subscriber_failures = 0
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Tell `subscriber` about changes until the returned function is called."""
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return unsubscribe

    def set(self, state: SidecarState, detail: str = "") -> None:
        """Note the state; a subscriber that fails is counted and harms nobody."""
        changed = state != self.state
        self.state, self.detail = state, detail
        if not changed:
            return
        (log.info if state == "ok" else log.warning)("storage.state", state=state, detail=detail)
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(state, detail)
            except Exception:
                self.subscriber_failures += 1
                log.exception("storage.subscriber_failed")
