"""What one microphone sent, by room time: what the other side of a consultation is compared with."""

from __future__ import annotations

import numpy as np

from ..model.audio import SPEECH_RATE_HZ
from .port import Pcm

_JITTER_SAMPLES = SPEECH_RATE_HZ // 50
_LONGEST_HOLE_SAMPLES = SPEECH_RATE_HZ
_LEAST_ROOM_SAMPLES = 2 * SPEECH_RATE_HZ


class Microphone:
    """The newest stretch of one voice. Samples are numbered from room time 0; what is not held reads as silence."""

    def __init__(self) -> None:
        self._samples: Pcm = np.zeros(0, np.float32)
        self._first = 0
        self.end = 0
        self.heard_at_s = float("-inf")

    def append(self, samples: Pcm, start_s: float, now_s: float) -> int:
        """Add samples that sounded at room time `start_s`; return the number of the first of them.

        Times within 20 ms of the end go on from there: the room's clock is only known to that, and a step would
        change the delay to the other voice. `now_s` says when they came, on any clock that does not stop.
        """
        place = round(start_s * SPEECH_RATE_HZ)
        if abs(place - self.end) <= _JITTER_SAMPLES:
            place = self.end
        if not self._first <= place <= self.end + _LONGEST_HOLE_SAMPLES:
            self._samples, self._first, self.end = self._samples[:0], place, place
        self._make_room(place + len(samples))
        if place > self.end:
            self._samples[self.end - self._first : place - self._first] = 0.0
        self._samples[place - self._first : place - self._first + len(samples)] = samples
        self.end = place + len(samples)
        self.heard_at_s = now_s
        return place

    def read(self, first: int, count: int) -> Pcm:
        """Return a copy of samples [first, first + count)."""
        out = np.zeros(count, np.float32)
        begin, end = max(first, self._first), min(first + count, self.end)
        if begin < end:
            out[begin - first : end - first] = self._samples[begin - self._first : end - self._first]
        return out

    def forget(self, before: int) -> None:
        """Let go of samples before `before`; memory is freed as soon as that is cheap."""
        drop = min(before, self.end) - self._first
        if drop > max(_LEAST_ROOM_SAMPLES, (self.end - self._first) // 2):
            self._samples = self._samples[drop:].copy()
            self._first += drop

    def _make_room(self, end: int) -> None:
        needed = end - self._first
        if needed > len(self._samples):
            grown = np.zeros(max(2 * needed, _LEAST_ROOM_SAMPLES), np.float32)
            held = self.end - self._first
            grown[:held] = self._samples[:held]
            self._samples = grown
