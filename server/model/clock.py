"""The room clock: seconds since the consultation opened."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta


@dataclass(slots=True)
class RoomClock:
    """Seconds since `opened_at`, monotonic while the process lives.

    A room that comes back after a restart passes the old `opened_at`, so that its time line goes on.
    `monotonic` and `wall` can be replaced to drive the clock in tests.
    """

    opened_at: datetime
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _zero: float = field(init=False)

    def __post_init__(self) -> None:
        elapsed_s = (self.wall() - self.opened_at).total_seconds()
        self._zero = self.monotonic() - max(0.0, elapsed_s)

    def now_s(self) -> float:
        """Return the room time in seconds."""
        return self.monotonic() - self._zero

    def at(self, room_s: float) -> datetime:
        """Return the wall time (UTC) of a room time."""
        return self.opened_at + timedelta(seconds=room_s)
