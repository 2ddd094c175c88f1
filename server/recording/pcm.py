"""The same packets as sound: decoded to 48 kHz mono, and the WAV head before them."""

from __future__ import annotations

import struct

import av
import numpy as np
from av.packet import Packet

from ..model.audio import OPUS_CLOCK_HZ
from ..opus.library import library
from ..opus.packet import concealment
from .libopus import SAMPLE_BYTES, OpusDecoder

_LONGEST_RIFF = 0xFFFFFFFF - 36
_QUIET_PACKETS = 50
"""After a second of digital silence a decoder gives zeros: it need not be asked."""


class Decoder:
    """Opus packets to 16 bit samples; losses are concealed as any Opus decoder would, or recovered from FEC."""

    def __init__(self) -> None:
        opus = library()
        self._decoder = OpusDecoder(opus) if opus is not None else FfmpegDecoder()
        self._silent = 0

    def decode(self, samples: int, packet: bytes) -> bytes | None:
        """Return exactly `samples` samples as bytes; None if the decoder refuses the packet."""
        self._silent = self._silent + 1 if packet[1:] == b"\xff\xfe" else 0
        if self._silent > _QUIET_PACKETS:
            return bytes(samples * SAMPLE_BYTES)
        return self._decoder.decode(samples, packet)

    def recover(self, samples: int, following: bytes) -> bytes | None:
        """Return `samples` samples that were lost just before the packet `following`, as good as can be."""
        return self._decoder.recover(samples, following)


class FfmpegDecoder:
    """The same where libopus cannot be loaded by itself; it conceals what FEC would recover."""

    def __init__(self) -> None:
        self._context = av.CodecContext.create("libopus", "r")
        self._context.sample_rate = OPUS_CLOCK_HZ
        self._context.layout = "mono"

    def decode(self, samples: int, packet: bytes) -> bytes | None:
        """Return exactly `samples` samples as bytes; None if the decoder refuses the packet."""
        try:
            frames = self._context.decode(Packet(packet))
        except av.FFmpegError:
            return None
        pcm = b"".join(np.asarray(frame.to_ndarray(), dtype="<i2").tobytes() for frame in frames)
        return pcm if len(pcm) == samples * SAMPLE_BYTES else None

    def recover(self, samples: int, following: bytes) -> bytes | None:
        """Return concealment, if frames like those of `following` make up `samples`."""
        length, packet = concealment(following[0])
        return self.decode(length, packet) if length == samples else None


def wav_header(samples: int) -> bytes:
    """Return the head of a 48 kHz mono PCM16 WAV of so many samples; RF64 where RIFF's 4 GiB do not do.

    Source: EBU Tech 3306 (RF64).
    """
    size = samples * SAMPLE_BYTES
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, OPUS_CLOCK_HZ, OPUS_CLOCK_HZ * SAMPLE_BYTES, SAMPLE_BYTES, 16)
    if size <= _LONGEST_RIFF:
        return struct.pack("<4sI4s", b"RIFF", 36 + size, b"WAVE") + form + struct.pack("<4sI", b"data", size)
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, 72 + size, size, samples, 0)
    unknown = 0xFFFFFFFF
    return struct.pack("<4sI4s", b"RF64", unknown, b"WAVE") + sizes + form + struct.pack("<4sI", b"data", unknown)
