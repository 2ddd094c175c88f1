"""Where each packet belongs on the room's time line, knowing the whole call."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..model.audio import OPUS_CLOCK_HZ
from .track import Track

WINDOW_S = 10.0
"""Delay that lasts longer than this is taken for a sender whose clock stood still."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Rows of the track in the order they sound, each once, and the room sample each begins at.

    `run` numbers stretches in which RTP time and room time advance together.
    """

    rows: NDArray[np.int64]
    position: NDArray[np.int64]
    run: NDArray[np.int64]
    lost: int
    duplicates: int


def place(track: Track) -> Placement:
    """Give each packet of `track` its room time.

    Within a stretch of one RTP clock the offset to room time is the delay's lower envelope: steps up where the
    sender's clock stood still, follows drift, ignores jitter and delays that pass.
    """
    order = np.lexsort((track.arrival_s, track.ticks, track.segment))
    segment, ticks = track.segment[order], track.ticks[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (segment[1:] != segment[:-1]) | (ticks[1:] != ticks[:-1])
    rows = order[first]
    position = np.empty(len(rows), dtype=np.int64)
    lost = 0
    for begin, end in _runs(track.segment[rows]):
        own = rows[begin:end]
        rtp_s = track.ticks[own] / OPUS_CLOCK_HZ
        offset_s = track.arrival_s[own] - track.samples[own] / OPUS_CLOCK_HZ - rtp_s
        position[begin:end] = np.rint((rtp_s + lower_envelope(rtp_s, offset_s)) * OPUS_CLOCK_HZ)
        lost += max(0, int(np.ptp(track.sequence[own])) + 1 - len(own))
    sounding = np.argsort(position, kind="stable")
    run = track.segment[rows]
    return Placement(rows[sounding], position[sounding], run[sounding], lost, len(order) - len(rows))


def lower_envelope(time_s: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each point, the highest of the minima of all windows that hold it (a morphological opening).

    `time_s` rises. Windows are `WINDOW_S` long; the last ones end with the data, so that a step keeps its height
    however soon the end follows.
    """
    ahead = _minimum(time_s, value)
    return -_minimum(-time_s[::-1], -ahead[::-1])[::-1]


def _minimum(time_s: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each point the minimum of it and what follows within `WINDOW_S`."""
    times, values = time_s.tolist(), value.tolist()
    result = [0.0] * len(values)
    window: deque[int] = deque()
    for index in range(len(values) - 1, -1, -1):
        while window and values[window[-1]] >= values[index]:
            window.pop()
        window.append(index)
        while times[window[0]] > times[index] + WINDOW_S:
            window.popleft()
        result[index] = values[window[0]]
    return np.array(result)


def _runs(numbers: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return (begin, end) of each run of equal numbers."""
    if not len(numbers):
        return []
    edges = np.flatnonzero(np.diff(numbers)) + 1
    bounds = [0, *edges.tolist(), len(numbers)]
    return list(pairwise(bounds))
