"""Lays a participant's packets on the room's time line without holes or overlaps: the one stream both files hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..model.audio import OPUS_CLOCK_HZ
from ..opus.packet import TICK_SAMPLES, concealment, silence
from .journal_reader import JournalReader
from .libopus import SAMPLE_BYTES
from .pcm import Decoder
from .placement import Placement
from .quiet import QuietSense
from .track import Track

MS = OPUS_CLOCK_HZ // 1000
OFF_SAMPLES = 10 * MS
"""A packet further off its place than this is brought nearer to it, where nobody speaks."""

FAR_OFF_SAMPLES = 60 * MS
"""So far off, steady noise is quiet enough, however loud. Drift of 500 ppm needs two minutes without a pause for it."""

FORCED_SAMPLES = 200 * MS
"""So far off is no drift: the packet goes to its place whatever sounds."""

TAKEN_SAMPLES = 60 * MS
"""A new stream's packet that begins so long before the last one's end shares its time with it: one is left out."""

FREE_HOLE_SAMPLES = 100 * MS
GAP_S = 0.5
CONCEALED_SAMPLES = 60 * MS
"""A decoder makes up for so much by itself; silence follows."""

LONGEST_CONCEALED = 20 * MS


@dataclass(frozen=True, slots=True)
class Piece:
    """An Opus packet, its length in samples, and its sound: 16 bit, 48 kHz, mono."""

    samples: int
    packet: bytes
    sound: bytes


@dataclass(slots=True)
class Layer:
    """Lays packets one after another from sample 0 up to (at least) `end`.

    `gaps` are (start, end) in samples of what had to be filled for half a second or more; `refused` counts packets
    no decoder took: silence stands for them.
    """

    track: Track
    placement: Placement
    end: int
    decoder: Decoder
    cursor: int = 0
    laid: int = 0
    dropped: int = 0
    refused: int = 0
    first: int | None = None
    gaps: list[tuple[int, int]] = field(default_factory=list)
    _quiet: QuietSense = field(default_factory=QuietSense)
    _to_come: Counter[int] = field(default_factory=Counter)
    _run: int = -1
    _next_ticks: int = 0
    _toc: int | None = None

    def pieces(self, journal: JournalReader | None) -> Iterator[Piece]:
        """Yield the stream; `journal` holds the payloads (None: there are none)."""
        if journal is not None:
            placement = self.placement
            self._to_come = Counter(placement.run.tolist())
            rows = zip(placement.rows.tolist(), placement.position.tolist(), placement.run.tolist(), strict=True)
            for row, position, run in rows:
                if self.cursor >= self.end:
                    return
                self._to_come[run] -= 1
                yield from self._lay(row, position, run, journal)
        yield from self._fill(self._left())

    def _lay(self, row: int, position: int, run: int, journal: JournalReader) -> Iterator[Piece]:
        samples = int(self.track.samples[row])
        off = position - self.cursor
        if run != self._run and off < -self._tolerated():
            self.dropped += 1
            return
        hole = int(self.track.ticks[row]) - self._next_ticks if run == self._run else None
        payload = journal.payload(int(self.track.start[row]), int(self.track.end[row]))
        yield from self._fill(min(self._room(off, hole), self._left()), payload if hole else None)
        if self.cursor >= self.end:
            return
        self._run = run
        self._next_ticks = int(self.track.ticks[row]) + samples
        yield from self._place(samples, payload, self.cursor - position)

    def _place(self, samples: int, payload: bytes, late: int) -> Iterator[Piece]:
        sound = self.decoder.decode(samples, payload)
        if sound is None:
            self.refused += 1
            self.cursor += samples
            yield from _silence(samples, self.decoder)
            return
        quiet_before = self._is_quiet(late)
        self._quiet.hear(samples, sound)
        spare = late > OFF_SAMPLES and quiet_before and self._is_quiet(late)
        if spare or late > FORCED_SAMPLES:
            self.dropped += 1
            return
        if self.first is None:
            self.first = self.cursor
        self._toc = payload[0]
        self.laid += 1
        self.cursor += samples
        yield Piece(samples, payload, sound)

    def _left(self) -> int:
        return -(-(self.end - self.cursor) // TICK_SAMPLES) * TICK_SAMPLES

    def _tolerated(self) -> int:
        """Return how far a packet of another stream may come too early and still be laid, a little late.

        While the last stream goes on too, they speak at once, and the first to come is kept.
        """
        return OFF_SAMPLES if self._to_come[self._run] else TAKEN_SAMPLES

    def _room(self, off: int, hole: int | None) -> int:
        """Return how many samples to leave free before a packet that lies `off` samples behind the cursor.

        `hole` is how long its sender was not heard before it; None where another stream begins.
        """
        if hole is None or hole >= FREE_HOLE_SAMPLES or off > FORCED_SAMPLES:
            return _ticks(off)
        if hole > 0:
            return _ticks(off) if abs(off - hole) > OFF_SAMPLES else _ticks(hole)
        if off <= OFF_SAMPLES or not self._is_quiet(off):
            return 0
        length = concealment(self._toc or 0)[0]
        return (off + length // 2) // length * length if length <= LONGEST_CONCEALED else _ticks(off)

    def _is_quiet(self, off: int) -> bool:
        return self._quiet.steady if abs(off) > FAR_OFF_SAMPLES else self._quiet.quiet

    def _fill(self, samples: int, following: bytes | None = None) -> Iterator[Piece]:
        """Fill what nobody sent, or was lost: the last of that may be found again in the packet `following` it."""
        if samples <= 0:
            return
        if samples >= GAP_S * OPUS_CLOCK_HZ:
            self.gaps.append((self.cursor, self.cursor + samples))
        self.cursor += samples
        concealed = 0
        if self._toc is not None:
            length, packet = concealment(self._toc)
            while samples >= length and concealed + length <= CONCEALED_SAMPLES:
                samples -= length
                concealed += length
                found = self.decoder.recover(length, following) if following and not samples else None
                sound = found or self.decoder.decode(length, packet) or bytes(length * SAMPLE_BYTES)
                yield Piece(length, packet, sound)
        yield from _silence(samples, self.decoder)


def _ticks(samples: int) -> int:
    return max(0, samples) // TICK_SAMPLES * TICK_SAMPLES


def _silence(samples: int, decoder: Decoder) -> Iterator[Piece]:
    for length, packet in silence(samples):
        yield Piece(length, packet, decoder.decode(length, packet) or bytes(length * SAMPLE_BYTES))
