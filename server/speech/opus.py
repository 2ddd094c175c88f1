"""Opus payloads to 16 kHz mono: by libopus itself, which can recover a lost packet from the one after it.

PyAV brings libopus but not that part of its interface, so that it is called through ctypes. Where the library
cannot be found, PyAV decodes, and what is lost is concealed.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import weakref
from pathlib import Path
from typing import Protocol

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from ..model.audio import OPUS_CLOCK_HZ, SPEECH_RATE_HZ
from .port import Pcm

TICKS_A_SAMPLE = OPUS_CLOCK_HZ // SPEECH_RATE_HZ
MAX_TICKS = 5760
"""120 ms, the longest packet (RFC 6716, section 2.1.4)."""


class Undecodable(ValueError):
    """The payload is not Opus."""


class OpusDecoder(Protocol):
    """One stream's decoder. All results are 16 kHz mono."""

    def decode(self, payload: bytes) -> Pcm:
        """Return the sound of the next packet.

        Raises:
            Undecodable: If it cannot be read; the decoder goes on with the next.
        """

    def recover(self, payload: bytes, ticks: int) -> Pcm:
        """Return sound for the `ticks` lost right before `payload`, which is decoded afterwards as ever.

        Its last frame comes from the in-band error correction in `payload` if it has any; the rest is concealed.
        """


def create_decoder() -> OpusDecoder:
    """Return the best decoder this machine has."""
    library = find_library()
    return AvDecoder() if library is None else LibraryDecoder(library)


@functools.cache
def find_library() -> ctypes.CDLL | None:
    """Return libopus: the one that PyAV brings, else the system's, else None."""
    bundled = sorted((Path(av.__file__).parents[1] / "av.libs").glob("libopus-*.so*"))
    for name in (*map(str, bundled), ctypes.util.find_library("opus")):
        if name is None:
            continue
        try:
            return _declared(ctypes.CDLL(name))
        except (OSError, AttributeError):
            continue
    return None


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    number, pointer = ctypes.c_int, ctypes.c_void_p
    library.opus_decoder_create.argtypes = [ctypes.c_int32, number, ctypes.POINTER(number)]
    library.opus_decoder_create.restype = pointer
    library.opus_decode_float.argtypes = [pointer, ctypes.c_char_p, ctypes.c_int32, pointer, number, number]
    library.opus_decode_float.restype = number
    library.opus_decoder_destroy.argtypes = [pointer]
    library.opus_decoder_destroy.restype = None
    return library


class LibraryDecoder:
    """libopus, decoding to 16 kHz directly."""

    def __init__(self, library: ctypes.CDLL) -> None:
        error = ctypes.c_int()
        self._decode_float = library.opus_decode_float
        self._state = library.opus_decoder_create(SPEECH_RATE_HZ, 1, ctypes.byref(error))
        if not self._state:
            raise MemoryError(f"libopus made no decoder (error {error.value}).")
        weakref.finalize(self, library.opus_decoder_destroy, self._state)

    def decode(self, payload: bytes) -> Pcm:
        """Return the sound of the next packet."""
        # An empty payload would be taken for a lost packet.
        return self._call(payload, MAX_TICKS, recover=False) if payload else np.zeros(0, np.float32)

    def recover(self, payload: bytes, ticks: int) -> Pcm:
        """Return sound for what was lost right before `payload`."""
        try:
            return self._call(payload or None, ticks, recover=True)
        except Undecodable:
            return np.zeros(0, np.float32)

    def _call(self, payload: bytes | None, ticks: int, *, recover: bool) -> Pcm:
        sound = np.empty(ticks // TICKS_A_SAMPLE, np.float32)
        size = len(payload) if payload else 0
        count = self._decode_float(self._state, payload, size, sound.ctypes.data, len(sound), recover)
        if count < 0:
            raise Undecodable(f"libopus error {count}")
        return sound[:count]


class AvDecoder:
    """PyAV, which decodes to 48 kHz and resamples; nothing is recovered."""

    def __init__(self) -> None:
        self._codec: AudioCodecContext = av.CodecContext.create("libopus", "r")
        self._codec.sample_rate = OPUS_CLOCK_HZ
        self._codec.layout = "mono"
        self._resampler = av.AudioResampler("flt", "mono", SPEECH_RATE_HZ)
        self._frame_ticks = 0

    def decode(self, payload: bytes) -> Pcm:
        """Return the sound of the next packet; swresample hands its first samples over one packet late."""
        if not payload:
            return np.zeros(0, np.float32)
        try:
            frames = self._codec.decode(av.Packet(payload))
            parts = [part.to_ndarray()[0] for frame in frames for part in self._resampler.resample(frame)]
        except av.FFmpegError as error:
            raise Undecodable(str(error)) from error
        self._frame_ticks = sum(frame.samples for frame in frames)
        return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)

    def recover(self, payload: bytes, ticks: int) -> Pcm:
        """Return concealment."""
        if not payload or not self._frame_ticks:
            return np.zeros(0, np.float32)
        # A packet of nothing but its TOC byte makes libopus conceal one frame (RFC 6716, section 3.2.1).
        lone, frame_ticks = bytes([payload[0] & 0xFC]), self._frame_ticks
        parts = [self.decode(lone) for _ in range(ticks // frame_ticks)]
        self._frame_ticks = frame_ticks
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)
