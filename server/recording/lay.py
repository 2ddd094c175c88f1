"""Lays a participant's packets on the room's time line without holes or overlaps: the one stream both files hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..model.audio import OPUS_CLOCK_HZ
from .journal_reader import JournalReader
from .opus_packet import TICK_SAMPLES, concealment, silence
from .placement import Placement
from .track import Track

OFF_SAMPLES = OPUS_CLOCK_HZ * 40 // 1000
"""Further off its place than this a packet is moved there, whatever sounds."""

OFF_QUIET_SAMPLES = OPUS_CLOCK_HZ * 15 // 1000
"""In a packet of less than the usual size (Opus spends bytes on sound), this much is enough."""

FREE_HOLE_SAMPLES = OPUS_CLOCK_HZ * 100 // 1000
GAP_S = 0.5
CONCEALED_SAMPLES = OPUS_CLOCK_HZ * 60 // 1000
"""A decoder makes up for so much by itself; silence follows."""

Piece = tuple[int, bytes]
"""Length in samples, Opus packet."""


@dataclass(slots=True)
class Layer:
    """Lays packets one after another from sample 0 up to (at least) `end`.

    `gaps` are (start, end) in samples of what had to be filled for half a second or more.
    """

    track: Track
    placement: Placement
    end: int
    cursor: int = 0
    laid: int = 0
    dropped: int = 0
    first: int | None = None
    gaps: list[tuple[int, int]] = field(default_factory=list)
    _segment: int = -1
    _next_ticks: int = 0
    _toc: int | None = None
    _quiet: float = 0.0

    def __post_init__(self) -> None:
        if len(self.track.samples):
            self._quiet = float(np.median((self.track.end - self.track.start) / self.track.samples))

    def pieces(self, journal: JournalReader | None) -> Iterator[Piece]:
        """Yield the stream; `journal` holds the payloads (None: there are none)."""
        if journal is not None:
            for row, position in zip(self.placement.rows.tolist(), self.placement.position.tolist(), strict=True):
                if self.cursor >= self.end:
                    return
                yield from self._lay(row, position, journal)
        yield from self._fill(self._left())

    def _lay(self, row: int, position: int, journal: JournalReader) -> Iterator[Piece]:
        samples = int(self.track.samples[row])
        payload = journal.payload(int(self.track.start[row]), int(self.track.end[row]))
        wanted = self._wanted(row, position, samples, len(payload))
        self._segment = int(self.track.segment[row])
        self._next_ticks = int(self.track.ticks[row]) + samples
        if wanted < -min(samples // 2, OFF_SAMPLES):
            self.dropped += 1
            return
        yield from self._fill(min(max(0, wanted) // TICK_SAMPLES * TICK_SAMPLES, self._left()))
        if self.cursor >= self.end:
            return
        if self.first is None:
            self.first = self.cursor
        self._toc = payload[0]
        self.laid += 1
        self.cursor += samples
        yield samples, payload

    def _left(self) -> int:
        return -(-(self.end - self.cursor) // TICK_SAMPLES) * TICK_SAMPLES

    def _wanted(self, row: int, position: int, samples: int, size: int) -> int:
        """Return how many samples to leave free before a packet; below 0: by how many it comes too late."""
        off = position - self.cursor
        quiet = size / samples <= self._quiet
        if int(self.track.segment[row]) != self._segment:
            return off
        hole = int(self.track.ticks[row]) - self._next_ticks
        drift = off - hole
        if hole >= FREE_HOLE_SAMPLES or abs(drift) > OFF_SAMPLES:
            return off
        if (quiet or hole) and abs(drift) > OFF_QUIET_SAMPLES:
            return off
        return hole

    def _fill(self, samples: int) -> Iterator[Piece]:
        if samples >= GAP_S * OPUS_CLOCK_HZ:
            self.gaps.append((self.cursor, self.cursor + samples))
        self.cursor += samples
        concealed = 0
        if self._toc is not None:
            length, packet = concealment(self._toc)
            while samples >= length and concealed + length <= CONCEALED_SAMPLES:
                samples -= length
                concealed += length
                yield length, packet
        yield from silence(samples)
