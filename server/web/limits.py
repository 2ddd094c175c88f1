"""How often one may call, and how much one may send."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MAX_BODY_BYTES = 64 * 1024
BODY_TIMEOUT_S = 20.0


class RateLimit:
    """A token bucket for each caller: `burst` calls at once, `rate_per_s` in the long run.

    Callers not seen for the longest are forgotten beyond `capacity`.
    """

    def __init__(
        self,
        rate_per_s: float,
        burst: int,
        *,
        capacity: int = 10_000,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._capacity = capacity
        self._now_s = now_s
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, caller: str) -> bool:
        """Return whether `caller` may call once more now, and count the call if so."""
        now_s = self._now_s()
        left, seen_s = self._buckets.pop(caller, (float(self._burst), now_s))
        left = min(float(self._burst), left + (now_s - seen_s) * self._rate_per_s)
        allowed = left >= 1.0
        self._buckets[caller] = (left - 1.0 if allowed else left, now_s)
        while len(self._buckets) > self._capacity:
            self._buckets.popitem(last=False)
        return allowed


class Limits:
    """The limits of one server."""

    def __init__(
        self,
        *,
        participants: RateLimit | None = None,
        service: RateLimit | None = None,
        failures: RateLimit | None = None,
    ) -> None:
        self.participants = participants or RateLimit(10, 100)
        self.service = service or RateLimit(100, 500)
        self.failures = failures or RateLimit(1, 30)
