"""Both voices in one file to listen to: clinician left, patient right."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import av
import numpy as np
from numpy.typing import NDArray

from ..model.audio import OPUS_CLOCK_HZ
from ..opus.library import library
from .libopus import OpusEncoder
from .ogg import PRE_SKIP, SHORTEST, OggOpusWriter

FRAME_SAMPLES = OPUS_CLOCK_HZ * 20 // 1000
BIT_RATE = 64_000
COMPLEXITY = 0


class Mixer:
    """Encodes two mono voices as one stereo Ogg/Opus.

    This one file is encoded anew, fast rather than small (complexity 0 takes a third of the usual time): the
    voices themselves are kept as they were received, in files of their own.
    """

    def __init__(self, write: Callable[[bytes], None], title: str) -> None:
        self._stream = OggOpusWriter(write, serial=zlib.crc32(title.encode()), channels=2, title=title)
        opus = library()
        self._encoder = FfmpegEncoder() if opus is None else OpusEncoder(opus, bit_rate=BIT_RATE, complexity=COMPLEXITY)
        self._waiting = np.zeros((0, 2), dtype=np.int16)
        self._samples = 0

    def add(self, left: NDArray[np.int16], right: NDArray[np.int16]) -> None:
        """Append equally many samples (48 kHz) of both."""
        self._samples += len(left)
        self._encode(np.concatenate((self._waiting, np.stack((left, right), axis=1))))

    def close(self) -> None:
        """End the stream, which plays for as long as what was added."""
        needed = max(self._samples + PRE_SKIP, SHORTEST)
        missing = -(-needed // FRAME_SAMPLES) * FRAME_SAMPLES - (self._samples - len(self._waiting))
        self._encode(np.concatenate((self._waiting, np.zeros((missing - len(self._waiting), 2), dtype=np.int16))))
        self._stream.close(self._samples)

    def _encode(self, sound: NDArray[np.int16]) -> None:
        whole = len(sound) // FRAME_SAMPLES * FRAME_SAMPLES
        for begin in range(0, whole, FRAME_SAMPLES):
            self._stream.add(FRAME_SAMPLES, self._encoder.encode(sound[begin : begin + FRAME_SAMPLES]))
        self._waiting = sound[whole:]


class FfmpegEncoder:
    """The same where libopus cannot be loaded by itself."""

    def __init__(self) -> None:
        self._codec = av.CodecContext.create("libopus", "w")
        self._codec.sample_rate, self._codec.layout, self._codec.format = OPUS_CLOCK_HZ, "stereo", "s16"
        self._codec.bit_rate = BIT_RATE
        self._codec.options = {"application": "audio", "compression_level": str(COMPLEXITY)}

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """Return the packet of one frame of 20 ms: (960, 2) samples."""
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", "stereo")
        frame.sample_rate = OPUS_CLOCK_HZ
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))
