"""RTP time to the sender's wall clock, by its reports: where its sound stood still, and how the two drift apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .lines import STEEPEST, Floats, through

AGREE_S = 0.02
"""Reports are up to a packet's length wrong about when it was captured; with an outlier no neighbour agrees."""

STALL_S = 0.02
SAME_DELAY_S = 0.05
NOISIEST_S = 0.06
EARLY_S = 0.01
"""A packet that would have arrived so long before it was sent came before the sound stood still."""

LATE_S = 2.0
"""After the last report, delay that grows by less is the network's doing."""

_NOISES = 6.0
_NEAR_ROWS = 500
_SLACK_ROWS = 25
_HEAD_STALLS = 8


@dataclass(frozen=True, slots=True)
class Reports:
    """Sender reports of one stream, in order of arrival: RTP time and the sender's wall time, in seconds."""

    rtp_s: Floats
    ntp_s: Floats
    arrival_s: Floats

    @property
    def offset_s(self) -> Floats:
        """Wall time less RTP time."""
        return self.ntp_s - self.rtp_s

    def at(self, chosen: NDArray[np.bool_] | slice) -> Reports:
        """Return some of them."""
        return Reports(self.rtp_s[chosen], self.ntp_s[chosen], self.arrival_s[chosen])


@dataclass(frozen=True, slots=True)
class Packets:
    """Packets of one stream as their RTP time rises.

    `lag_s` is arrival less the packet's length less its RTP time: the delay, but for a constant.
    """

    rtp_s: Floats
    lag_s: Floats
    arrival_s: Floats

    def arrived_by(self, at_s: float) -> int:
        """Return how many had arrived by then."""
        return int(np.count_nonzero(self.arrival_s <= at_s))


@dataclass(frozen=True, slots=True)
class Run:
    """Packets `begin` to `end` (exclusive), in which RTP time never stood still; `offset_s` to wall time of each."""

    begin: int
    end: int
    offset_s: Floats


def runs(packets: Packets, reports: Reports) -> list[Run]:
    """Return the stretches of a stream, cut where its sender's sound stood still; none if reports do not tell."""
    known = reports.at(_credible(packets, reports))
    if len(known.rtp_s) < 2:
        return []
    cuts = _steps(known)
    bounds = [0, *(_locate(packets, known, cut) for cut in cuts), len(packets.rtp_s)]
    found = []
    for (first, last), (begin, end) in zip(
        pairwise([0, *cuts, len(known.rtp_s)]), pairwise(np.maximum.accumulate(bounds).tolist()), strict=True
    ):
        if begin < end:
            found.append(Run(begin, end, _offsets(packets.rtp_s[begin:end], known.at(slice(first, last)))))
    if not found:
        return []
    head = _split_head(packets, found[0], packets.arrived_by(float(known.arrival_s[0])))
    tail = _split_tail(
        packets, found[-1] if len(found) > 1 else head[-1], packets.arrived_by(float(known.arrival_s[-1]))
    )
    return [*head, *found[1:-1], *tail] if len(found) > 1 else [*head[:-1], *tail]


def _credible(packets: Packets, reports: Reports) -> NDArray[np.bool_]:
    """Tell outliers: reports that contradict their neighbours, and what arrived around them too."""
    agreeing = _agreeing(reports)
    if not agreeing.any():
        return agreeing
    delay_s = np.array([_delay_near(packets, at_s) for at_s in reports.arrival_s.tolist()]) - reports.offset_s
    return agreeing | (np.abs(delay_s - np.median(delay_s[agreeing])) <= SAME_DELAY_S)


def _delay_near(packets: Packets, at_s: float) -> float:
    row = packets.arrived_by(at_s)
    near = packets.lag_s[row : row + _SLACK_ROWS] if row < len(packets.lag_s) else packets.lag_s[row - _SLACK_ROWS :]
    return float(near.min(initial=np.inf))


def _agreeing(reports: Reports) -> NDArray[np.bool_]:
    offset, time_s = reports.offset_s, reports.arrival_s
    agreeing = np.zeros(len(offset), dtype=bool)
    for step in (1, 2):
        apart = np.abs(offset[step:] - offset[:-step]) <= AGREE_S + STEEPEST * np.abs(time_s[step:] - time_s[:-step])
        agreeing[step:] |= apart
        agreeing[: len(offset) - step] |= apart
    return agreeing


def _steps(reports: Reports) -> list[int]:
    """Return the reports before which RTP time stood still (or ran ahead)."""
    change, passed_s = np.diff(reports.offset_s), np.maximum(np.diff(reports.arrival_s), 1e-3)
    drift = float(np.clip(np.median(change / passed_s), -STEEPEST, STEEPEST))
    change -= drift * passed_s
    noise = float(np.median(np.abs(change - np.median(change))))
    return (np.flatnonzero(np.abs(change) > min(NOISIEST_S, max(STALL_S, _NOISES * noise))) + 1).tolist()


def _locate(packets: Packets, reports: Reports, cut: int) -> int:
    """Return the first packet after the step between the reports `cut` - 1 and `cut`.

    With the offset of the other side, packets on the wrong one would have arrived before they were sent.
    """
    before, after = float(reports.offset_s[cut - 1]), float(reports.offset_s[cut])
    step = abs(after - before)
    last = packets.arrived_by(float(reports.arrival_s[cut - 1]))
    next_ = max(last, packets.arrived_by(float(reports.arrival_s[cut])))
    begin, end = max(0, last - _SLACK_ROWS), min(len(packets.lag_s), next_ + _SLACK_ROWS)
    slack_s = max(0.005, min(step / 2, 0.02))
    if after > before:
        near = packets.lag_s[next_ : next_ + _NEAR_ROWS] - after
        floor = near.min() if len(near) else (packets.lag_s[:begin] - before).min(initial=np.inf)
        wrong = np.flatnonzero(packets.lag_s[begin:end] - after < floor - slack_s)
        return begin + int(wrong[-1]) + 1 if len(wrong) else begin
    near = packets.lag_s[max(0, last - _NEAR_ROWS) : last] - before
    wrong = np.flatnonzero(packets.lag_s[begin:end] - before < near.min(initial=np.inf) - slack_s)
    return begin + int(wrong[0]) if len(wrong) else end


def _offsets(rtp_s: Floats, reports: Reports) -> Floats:
    order = np.argsort(reports.rtp_s, kind="stable")
    return through(reports.rtp_s[order], reports.offset_s[order], rtp_s)


def _split_head(packets: Packets, run: Run, known_from: int) -> list[Run]:
    """Cut off what came before the first report with an offset that would make it arrive before it was sent."""
    later: list[Run] = []
    for _ in range(_HEAD_STALLS):
        delay = packets.lag_s[run.begin : run.end] - run.offset_s
        head = min(known_from, run.end) - run.begin
        floor = float(delay[max(0, head) :][:_NEAR_ROWS].min(initial=np.inf))
        floor = floor if np.isfinite(floor) else float(delay[-_SLACK_ROWS:].min())
        wrong = np.flatnonzero(delay[: max(0, head)] < floor - EARLY_S)
        if not len(wrong):
            break
        cut = int(wrong[-1]) + 1
        later.insert(0, Run(run.begin + cut, run.end, run.offset_s[cut:]))
        known_from = run.begin + max(0, cut - _SLACK_ROWS)
        run = Run(run.begin, run.begin + cut, run.offset_s[:cut] + float(delay[:cut][-_SLACK_ROWS:].min()) - floor)
    return [run, *later]


def _split_tail(packets: Packets, run: Run, known_to: int) -> list[Run]:
    """Cut off what came after the last report so late that the sender's sound must have stood still."""
    delay = packets.lag_s[run.begin : run.end] - run.offset_s
    tail = max(0, known_to - run.begin)
    if tail == 0 or tail >= len(delay):
        return [run]
    floor = float(delay[max(0, tail - _NEAR_ROWS) : tail].min())
    least = np.minimum.accumulate(delay[::-1])[::-1]
    late = np.flatnonzero(least[tail:] > floor + LATE_S)
    if not len(late):
        return [run]
    cut = tail + int(late[0])
    shift_s = float(least[cut]) - floor
    return [
        Run(run.begin, run.begin + cut, run.offset_s[:cut]),
        Run(run.begin + cut, run.end, run.offset_s[cut:] + shift_s),
    ]
