"""Samples of one stream by number, and which room time each number stands for."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque

import numpy as np

from ..model.audio import SPEECH_RATE_HZ
from .port import Pcm
from .segmenter import WINDOW_SAMPLES

_LONGEST_FILL_S = 1.0


def silence_for(late_s: float, end: int) -> Pcm:
    """Return the silence that stands for a hole at sample `end`; a shortened one ends where a window does."""
    fill = round(min(late_s, _LONGEST_FILL_S) * SPEECH_RATE_HZ)
    if late_s > _LONGEST_FILL_S:
        fill += -(end + fill) % WINDOW_SAMPLES
    return np.zeros(fill, np.float32)


class SampleClock:
    """Room time of a sample number. Anchors follow the sender's clock as it drifts."""

    def __init__(self) -> None:
        self._indices: list[int] = []
        self._times_s: list[float] = []

    def anchor(self, index: int, room_s: float) -> None:
        """State that sample `index`, at or behind the last one stated, sounded at `room_s`."""
        if self._indices and self._indices[-1] == index:
            self._times_s[-1] = room_s
            return
        if self._indices and abs(self.at(index) - room_s) < 0.002:
            return
        self._indices.append(index)
        self._times_s.append(room_s)

    def at(self, index: int) -> float:
        """Return the room time of sample `index`; 0.0 before anything was stated."""
        if not self._indices:
            return 0.0
        place = max(0, bisect_right(self._indices, index) - 1)
        return self._times_s[place] + (index - self._indices[place]) / SPEECH_RATE_HZ

    def forget(self, before: int) -> None:
        """Drop anchors that only samples before `before` need."""
        keep = max(0, bisect_right(self._indices, before) - 1)
        del self._indices[:keep]
        del self._times_s[:keep]


class PcmBuffer:
    """The newest stretch of a stream, addressed by sample number."""

    def __init__(self) -> None:
        self._chunks: deque[Pcm] = deque()
        self._first = 0
        self.end = 0

    def append(self, samples: Pcm) -> None:
        """Add samples behind the newest."""
        self._chunks.append(samples)
        self.end += len(samples)

    def slice(self, start: int, end: int) -> Pcm:
        """Return a copy of samples [start, end), as far as they are still held."""
        if not self._chunks:
            return np.zeros(0, np.float32)
        return np.concatenate(self._chunks)[max(0, start - self._first) : max(0, end - self._first)]

    def forget(self, before: int) -> None:
        """Free whole chunks that end at or before sample `before`."""
        while self._chunks and self._first + len(self._chunks[0]) <= before:
            self._first += len(self._chunks.popleft())
