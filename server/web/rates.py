"""How many messages a browser may send."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..model.errors import TooFrequent

PER_SECOND = 40.0
BURST = 120.0
REFUSALS = 200


class MessageRate:
    """A token bucket: `BURST` messages at once, `PER_SECOND` for good."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._tokens = BURST
        self._filled_s = now_s()
        self._refused = 0.0

    @property
    def exhausted(self) -> bool:
        """The browser went on for so long that the socket should close."""
        return self._refused >= REFUSALS

    def count(self) -> None:
        """Count one message.

        Raises:
            TooFrequent: If it is one too many; it is to be thrown away.
        """
        now_s = self._now_s()
        refilled = (now_s - self._filled_s) * PER_SECOND
        self._tokens = min(BURST, self._tokens + refilled)
        # Somebody who slows down is forgiven as fast as the bucket fills.
        self._refused = max(0.0, self._refused - refilled / 4)
        self._filled_s = now_s
        if self._tokens < 1.0:
            self._refused += 1
            raise TooFrequent(f"More than {PER_SECOND:.0f} messages a second: this one was thrown away; slow down.")
        self._tokens -= 1.0
