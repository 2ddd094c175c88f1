"""One participant's journal as columns: what came when, in one pass, without holding any sound."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model.audio import OPUS_CLOCK_HZ
from ..model.errors import JournalUnreadable
from ..model.timeline import TimestampUnwrapper
from ..opus.packet import is_stereo, packet_samples
from .journal import Record, RecordType
from .journal_reader import JournalReader

JUMP_S = 10.0
"""RTP time that runs this far ahead of arrival, or back, is no network's doing: the sender began anew.

So it did when RTP time goes back although the sequence goes on.
"""

SKIP_S = 0.5
"""The same for two packets in sequence: none that could have filled the time between them is missing."""


@dataclass(slots=True)
class ReportColumns:
    """Sender reports as they arrived: segment and ticks as those of packets, `ntp_s` the sender's wall time."""

    segment: array[int] = field(default_factory=lambda: array("q"))
    ticks: array[int] = field(default_factory=lambda: array("q"))
    ntp_s: array[float] = field(default_factory=lambda: array("d"))
    arrival_s: array[float] = field(default_factory=lambda: array("d"))


@dataclass(slots=True)
class Track:
    """Packets as they arrived. Rows of the columns belong together.

    `segment` numbers stretches with one RTP clock; `sequence` and `ticks` are its unwrapped sequence numbers and RTP
    time (48 kHz) there, `arrival_s` room time; `samples` the packet's length; `start` and `end` where its payload lies
    in the journal.
    """

    segment: NDArray[np.int64]
    sequence: NDArray[np.int64]
    ticks: NDArray[np.int64]
    arrival_s: NDArray[np.float64]
    samples: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    history: History
    reports: ReportColumns = field(default_factory=ReportColumns)

    @property
    def last_packet_s(self) -> float | None:
        """Room time at which the newest packet arrived."""
        return float(self.arrival_s.max()) if len(self.arrival_s) else None


@dataclass(slots=True)
class History:
    """What a journal states beside packets."""

    recorded: list[tuple[float, float | None]] = field(default_factory=list)
    closed_s: float | None = None
    last_s: float = 0.0
    connections: int = 0
    invalid: int = 0
    not_kept: int = 0
    stereo: bool = False
    torn_bytes: int = 0

    def note(self, record: Record) -> None:
        """Take a record that is no packet."""
        at_s = record.at_ns / 1e9
        match record.type:
            case RecordType.ON if not self.recorded or self.recorded[-1][1] is not None:
                self.recorded.append((at_s, None))
            case RecordType.OFF if self.recorded and self.recorded[-1][1] is None:
                self.recorded[-1] = (self.recorded[-1][0], at_s)
            case RecordType.OPENED:
                self._reopen()
            case RecordType.CLOSED:
                self.closed_s = at_s
            case RecordType.CONNECTION:
                self.connections += 1
            case RecordType.LOST:
                self.not_kept += record.lost
                return
            case _:
                pass
        self.last_s = max(self.last_s, at_s)

    def _reopen(self) -> None:
        # A recorder that died left its interval open: it ends with the last thing known of it.
        self.closed_s = None
        if self.recorded and self.recorded[-1][1] is None:
            self.recorded[-1] = (self.recorded[-1][0], self.last_s)


class _Stream:
    """One SSRC of one connection, as long as its clock goes on."""

    def __init__(self, segment: int, first: Record, arrival_s: float) -> None:
        self.segment = segment
        self.arrival_s = arrival_s
        self.sequence = first.sequence_number
        self._unwrapper = TimestampUnwrapper()
        self.ticks = self._unwrapper.unwrap(first.timestamp)

    def nearest(self, timestamp: int) -> int:
        """Return the ticks of an RTP timestamp that belongs to no packet."""
        return self._unwrapper.nearest(timestamp)

    def follow(self, record: Record, arrival_s: float) -> bool:
        """Take the next packet; False if its timestamp says that the sender began anew."""
        step = (record.sequence_number - self.sequence + 0x8000) % 0x10000 - 0x8000
        ticks = self._unwrapper.unwrap(record.timestamp)
        moved_s = (ticks - self.ticks) / OPUS_CLOCK_HZ
        ahead_s = moved_s - (arrival_s - self.arrival_s)
        skipped = step == 1 and ahead_s > SKIP_S
        if skipped or ahead_s > JUMP_S or moved_s < -JUMP_S or moved_s < 0 < step:
            return False
        self.sequence += step
        self.ticks, self.arrival_s = ticks, arrival_s
        return True


class _Columns:
    def __init__(self) -> None:
        self.segment, self.ticks, self.samples = array("q"), array("q"), array("q")
        self.start, self.end, self.arrival_s, self.sequence = array("q"), array("q"), array("d"), array("q")
        self.streams: dict[int, _Stream] = {}
        self.reports = ReportColumns()
        self.segments = 0

    def add(self, record: Record, samples: int) -> None:
        stream = self._stream(record)
        self.segment.append(stream.segment)
        self.sequence.append(stream.sequence)
        self.ticks.append(stream.ticks)
        self.samples.append(samples)
        self.arrival_s.append(stream.arrival_s)
        self.start.append(record.payload_start)
        self.end.append(record.payload_end)

    def report(self, record: Record) -> None:
        """Take a sender report; one of a stream not heard of yet says nothing."""
        stream = self.streams.get(record.ssrc)
        if stream is not None and math.isfinite(record.ntp_s):
            self.reports.segment.append(stream.segment)
            self.reports.ticks.append(stream.nearest(record.timestamp))
            self.reports.ntp_s.append(record.ntp_s)
            self.reports.arrival_s.append(record.at_ns / 1e9)

    def _stream(self, record: Record) -> _Stream:
        arrival_s = record.at_ns / 1e9
        stream = self.streams.get(record.ssrc)
        if stream is None or not stream.follow(record, arrival_s):
            stream = self.streams[record.ssrc] = _Stream(self.segments, record, arrival_s)
            self.segments += 1
        return stream


def read_track(path: Path) -> Track:
    """Read a journal; one that is absent, empty or unreadable is a participant who sent nothing.

    Raises:
        OSError: If the disk fails.
    """
    columns, history = _Columns(), History()
    try:
        with JournalReader(path) as journal:
            for record in journal:
                if record.type is RecordType.PACKET:
                    _take_packet(record, journal.payload(record.payload_start, record.payload_end), columns, history)
                    continue
                if record.type is RecordType.REPORT:
                    columns.report(record)
                history.note(record)
                if record.type in (RecordType.CONNECTION, RecordType.OPENED):
                    columns.streams.clear()
            history.torn_bytes = journal.torn_bytes
    except (FileNotFoundError, JournalUnreadable):
        pass
    return Track(
        np.array(columns.segment),
        np.array(columns.sequence),
        np.array(columns.ticks),
        np.array(columns.arrival_s),
        np.array(columns.samples),
        np.array(columns.start),
        np.array(columns.end),
        history,
        columns.reports,
    )


def _take_packet(record: Record, payload: bytes, columns: _Columns, history: History) -> None:
    history.last_s = max(history.last_s, record.at_ns / 1e9)
    samples = packet_samples(payload)
    if samples:
        columns.add(record, samples)
        history.stereo = history.stereo or is_stereo(payload)
    elif payload:
        history.invalid += 1
