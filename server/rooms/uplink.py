"""How much of what a browser sends is lost on its way here: neither browser can tell that alone."""

from __future__ import annotations

from collections import deque

from ..media.stats import KindStats

LOOK_APART_S = 1.5
WINDOW_LOOKS = 3
FEWEST_PACKETS = 10


class Uplink:
    """Of one browser's video, whose gaps are watched, over the last `WINDOW_LOOKS` looks.

    `loss` is a share; None while too little comes to tell.
    """

    def __init__(self) -> None:
        self.loss: float | None = None
        self._seen = deque([KindStats()], maxlen=WINDOW_LOOKS + 1)
        self._looked_s = float("-inf")

    def look(self, video: KindStats, now_s: float) -> None:
        """Take the counters; every two seconds is often enough, and more often changes nothing."""
        if now_s - self._looked_s < LOOK_APART_S:
            return
        if video.packets_in < self._seen[-1].packets_in:
            # A new connection counts from zero.
            self._seen.clear()
            self._seen.append(KindStats())
        self._seen.append(video)
        self._looked_s = now_s
        came = video.packets_in - self._seen[0].packets_in
        missed = max(0, video.missed - self._seen[0].missed)
        self.loss = missed / (came + missed) if came >= FEWEST_PACKETS else None
