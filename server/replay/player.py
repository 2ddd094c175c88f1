"""A sound file played as a live microphone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.audio.resampler import AudioResampler

from ..model.errors import InvalidRequest

RATE_HZ = 48_000
FRAME_SAMPLES = RATE_HZ // 50


def check_playable(path: Path) -> None:
    """Read the beginning of a sound file.

    Raises:
        InvalidRequest: If it is not a file with sound that PyAV can read.
    """
    if next(_frames(path), None) is None:
        raise InvalidRequest(f"{path} has no sound in it: give a file with an audio stream.")


class FileTrack(MediaStreamTrack):
    """Plays a file once, in real time against absolute deadlines, then silence until stopped."""

    kind = "audio"

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self.started = asyncio.Event()
        """Set when the file, not the silence before it, begins to play."""
        self.ended = asyncio.Event()
        self.started_at_s = 0.0
        """`time.monotonic()` of the file's first sample."""
        self._go = False
        self._source = _chunks(path) if path is not None else iter(())
        self._position = 0
        self._zero_s: float | None = None

    def play(self) -> None:
        """Begin the file with the next frame; until then the track is silent."""
        self._go = True

    async def recv(self) -> av.AudioFrame:
        """Return the next 20 ms at the time they are due."""
        if self.readyState != "live":
            raise MediaStreamError
        now_s = time.monotonic()
        if self._zero_s is None:
            self._zero_s = now_s
        # A microphone hands over a frame when its last sample has sounded.
        due_s = self._zero_s + (self._position + FRAME_SAMPLES) / RATE_HZ
        if due_s > now_s:
            await asyncio.sleep(due_s - now_s)
        samples = self._next()
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = self._position
        frame.time_base = Fraction(1, RATE_HZ)
        self._position += FRAME_SAMPLES
        return frame

    def _next(self) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
        if self._go and not self.ended.is_set():
            if not self.started.is_set():
                self.started_at_s = time.monotonic() - FRAME_SAMPLES / RATE_HZ
                self.started.set()
            chunk = next(self._source, None)
            if chunk is not None:
                return chunk
            self.ended.set()
        return np.zeros(FRAME_SAMPLES, dtype=np.int16)


def _frames(path: Path) -> Iterator[av.AudioFrame]:
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise InvalidRequest(f"{path} has no sound: give a file with an audio stream.")
            resampler = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
            for frame in container.decode(audio=0):
                yield from resampler.resample(frame)
            yield from resampler.resample(None)
    except (av.error.FFmpegError, OSError) as error:
        raise InvalidRequest(f"{path} cannot be read as sound ({error.strerror or error}).") from error


def _chunks(path: Path) -> Iterator[np.ndarray[tuple[int], np.dtype[np.int16]]]:
    left = np.zeros(0, dtype=np.int16)
    for frame in _frames(path):
        left = np.concatenate([left, frame.to_ndarray().reshape(-1)])
        while left.size >= FRAME_SAMPLES:
            yield left[:FRAME_SAMPLES]
            left = left[FRAME_SAMPLES:]
    if left.size:
        yield np.pad(left, (0, FRAME_SAMPLES - left.size))
