"""Where each packet belongs on the room's time line, knowing the whole call."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..model.audio import OPUS_CLOCK_HZ
from .lines import Floats, below
from .sender_clock import Packets, Reports, Run, runs
from .track import Track

WINDOW_S = 10.0
"""Without sender reports, delay that lasts longer than this is taken for a sender whose clock stood still."""

LEAST_WINDOW_S = 0.5
JUMP_S = 0.01
SAME_CLOCK_S = 0.1
"""A stretch whose shortest delay differs by more from the one before was sent by another clock, not another way."""

_BIN_S = 1.0
_NEAR_ROWS = 1000


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

    RTP time is brought to the sender's wall clock by its reports; that one, which goes on when its sound stands
    still and when it connects anew, to room time by the shortest delay. The shortest way there is part of the result.
    A stream without reports gets its room time from arrival alone.
    """
    order = np.lexsort((track.arrival_s, track.ticks, track.segment))
    segment, ticks = track.segment[order], track.ticks[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (segment[1:] != segment[:-1]) | (ticks[1:] != ticks[:-1])
    rows = order[first]
    room_s, run = np.empty(len(rows)), np.empty(len(rows), dtype=np.int64)
    clock = _SenderClock()
    lost, number = 0, 0
    for begin, end in _equal(track.segment[rows]):
        own = rows[begin:end]
        lost += max(0, int(np.ptp(track.sequence[own])) + 1 - len(own))
        packets = _packets(track, own)
        known = runs(packets, _reports(track, int(track.segment[own[0]])))
        if known:
            run[begin:end] = number + np.repeat(np.arange(len(known)), [one.end - one.begin for one in known])
            clock.add(packets, known, room_s[begin:end])
        else:
            delay_s = lower_envelope(packets.rtp_s, packets.lag_s)
            room_s[begin:end] = packets.rtp_s + delay_s
            run[begin:end] = number + np.cumsum(np.abs(np.diff(delay_s, prepend=delay_s[0])) > JUMP_S)
        number = int(run[end - 1]) + 1
    clock.settle()
    position = np.rint(room_s * OPUS_CLOCK_HZ).astype(np.int64)
    sounding = np.argsort(position, kind="stable")
    return Placement(rows[sounding], position[sounding], run[sounding], lost, len(order) - len(rows))


def _packets(track: Track, own: NDArray[np.int64]) -> Packets:
    rtp_s = track.ticks[own] / OPUS_CLOCK_HZ
    arrival_s = track.arrival_s[own]
    return Packets(rtp_s, arrival_s - track.samples[own] / OPUS_CLOCK_HZ - rtp_s, arrival_s)


def _reports(track: Track, segment: int) -> Reports:
    columns = track.reports
    own = np.array(columns.segment, dtype=np.int64) == segment
    rtp_s = np.array(columns.ticks, dtype=np.int64)[own] / OPUS_CLOCK_HZ
    return Reports(rtp_s, np.array(columns.ntp_s)[own], np.array(columns.arrival_s)[own])


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A run's packets on the sender's wall clock; `room_s` is where its result goes."""

    ntp_s: Floats
    delay_s: Floats
    room_s: Floats


class _SenderClock:
    """One participant's wall clock over all runs, until another one takes its place."""

    def __init__(self) -> None:
        self._stretches: list[_Stretch] = []

    def add(self, packets: Packets, known: list[Run], room_s: Floats) -> None:
        """Take the runs of one stream, in the order they came."""
        for run in known:
            part = slice(run.begin, run.end)
            delay_s = packets.lag_s[part] - run.offset_s
            stretch = _Stretch(packets.rtp_s[part] + run.offset_s, delay_s, room_s[part])
            if self._stretches and _is_other_clock(self._stretches[-1], stretch):
                self.settle()
            self._stretches.append(stretch)

    def settle(self) -> None:
        """Give the stretches their room times; what comes next has a clock of its own."""
        if self._stretches:
            ntp_s = np.concatenate([one.ntp_s for one in self._stretches])
            delay_s = np.concatenate([one.delay_s for one in self._stretches])
            times, shortest = _shortest_by_second(ntp_s, delay_s)
            for one in self._stretches:
                one.room_s[:] = one.ntp_s + below(times, shortest, one.ntp_s)
        self._stretches = []


def _is_other_clock(before: _Stretch, after: _Stretch) -> bool:
    apart_s = after.delay_s[:_NEAR_ROWS].min() - before.delay_s[-_NEAR_ROWS:].min()
    return bool(abs(apart_s) > SAME_CLOCK_S)


def _shortest_by_second(ntp_s: Floats, delay_s: Floats) -> tuple[Floats, Floats]:
    second = np.floor(ntp_s / _BIN_S)
    order = np.argsort(second, kind="stable")
    starts = np.flatnonzero(np.diff(second[order], prepend=-np.inf))
    return (second[order][starts] + 0.5) * _BIN_S, np.minimum.reduceat(delay_s[order], starts)


def lower_envelope(time_s: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return, for each point, the highest of the minima of all windows that hold it (a morphological opening).

    `time_s` rises. Windows are `WINDOW_S` long; the last ones end with the data, down to `LEAST_WINDOW_S`, so that a
    step keeps its height however soon the end follows.
    """
    ahead = _minimum(time_s, value)
    last = int(np.searchsorted(time_s, time_s[-1] - LEAST_WINDOW_S))
    ahead[last:] = ahead[last]
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


def _equal(numbers: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return (begin, end) of each run of equal numbers."""
    if not len(numbers):
        return []
    edges = np.flatnonzero(np.diff(numbers)) + 1
    bounds = [0, *edges.tolist(), len(numbers)]
    return list(pairwise(bounds))
