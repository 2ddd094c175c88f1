"""One participant's two files, written second by second: Ogg/Opus as received, and WAV."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..model.audio import OPUS_CLOCK_HZ
from ..model.consultation import Role
from ..model.recording_events import RecordingFile
from .files import NewFile
from .journal_reader import JournalReader
from .lay import GAP_S, Layer
from .libopus import SAMPLE_BYTES
from .manifest import Interval, ParticipantAudio
from .ogg import PRE_SKIP, SHORTEST, OggOpusWriter
from .pcm import Decoder, wav_header
from .placement import Placement, place
from .session import journal_path
from .track import Track

BLOCK_SAMPLES = OPUS_CLOCK_HZ


class Voice:
    """Lays and writes one participant; the files get their names when its `with` block ends well."""

    def __init__(self, folder: Path, role: Role, track: Track, samples: int) -> None:
        """Prepare to write files of `samples` samples into `folder`."""
        self.role = role
        self._folder = folder
        self._track = track
        self._samples = samples
        self._placement: Placement = place(track)
        self._layer = Layer(track, self._placement, max(samples + PRE_SKIP, SHORTEST), Decoder())
        self._stack = ExitStack()

    def __enter__(self) -> Voice:
        self._ogg = self._stack.enter_context(NewFile(self._folder / f"{self.role.value}.ogg"))
        self._wav = self._stack.enter_context(NewFile(self._folder / f"{self.role.value}.wav"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def blocks(self, title: str) -> Iterator[NDArray[np.int16]]:
        """Write both files; yield the sound of each second once it is written (the last may be shorter)."""
        self._wav.write(wav_header(self._samples))
        skip, waiting, left = PRE_SKIP * SAMPLE_BYTES, bytearray(), self._samples * SAMPLE_BYTES
        for sound in self._sounds(title):
            waiting += sound[skip:]
            skip = max(0, skip - len(sound))
            while left and len(waiting) >= min(left, BLOCK_SAMPLES * SAMPLE_BYTES):
                block = bytes(waiting[: min(left, BLOCK_SAMPLES * SAMPLE_BYTES)])
                del waiting[: len(block)]
                left -= len(block)
                self._wav.write(block)
                yield np.frombuffer(block, dtype="<i2")

    def _sounds(self, title: str) -> Iterator[bytes]:
        stream = OggOpusWriter(
            self._ogg.write, serial=zlib.crc32(title.encode()), channels=1 + self._track.history.stereo, title=title
        )
        with ExitStack() as stack:
            journal = None
            if len(self._placement.rows):
                journal = stack.enter_context(JournalReader(journal_path(self._folder, self.role)))
            for piece in self._layer.pieces(journal):
                stream.add(piece.samples, piece.packet)
                yield piece.sound
        stream.close(self._samples)

    def files(self) -> list[RecordingFile]:
        """Describe the files."""
        return [
            described(self._ogg, self.role, "ogg", self._samples),
            described(self._wav, self.role, "wav", self._samples),
        ]

    def account(self, recorded: tuple[Interval, ...]) -> ParticipantAudio:
        """Say what came; gaps count while recording was on."""
        layer, history = self._layer, self._track.history
        return ParticipantAudio(
            role=self.role,
            start_s=None if layer.first is None else layer.first / OPUS_CLOCK_HZ,
            connections=history.connections,
            packets=layer.laid,
            lost=self._placement.lost,
            duplicates=self._placement.duplicates,
            invalid=history.invalid + layer.refused,
            dropped=layer.dropped,
            not_kept=history.not_kept,
            gaps=_within(layer.gaps, recorded),
        )


def described(file: NewFile, role: Role | None, kind: Literal["ogg", "wav"], samples: int) -> RecordingFile:
    """Describe a file that begins at room time 0; `role` None: both voices."""
    return RecordingFile(
        name=file.path.name,
        role=role,
        format=kind,
        start_s=0.0,
        duration_s=samples / OPUS_CLOCK_HZ,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
    )


def _within(gaps: list[tuple[int, int]], recorded: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """Return what of `gaps` (in samples) lies in the stretches that were recorded."""
    seconds = [(start / OPUS_CLOCK_HZ, end / OPUS_CLOCK_HZ) for start, end in gaps]
    common = [(max(a, on.start_s), min(b, on.end_s)) for a, b in seconds for on in recorded]
    return tuple(Interval(start_s=a, end_s=b) for a, b in common if b - a >= GAP_S)
