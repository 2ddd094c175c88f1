"""Opus payloads to 16 kHz mono: by libopus itself, which can recover a lost packet from the one after it.

Where the library cannot be found, PyAV decodes, and what is lost is concealed.
"""

from __future__ import annotations

import ctypes
import weakref
from typing import Protocol

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from ..model.audio import OPUS_CLOCK_HZ, SPEECH_RATE_HZ
from ..opus.library import library
from ..opus.packet import MAX_PACKET_SAMPLES
from .port import Pcm

TICKS_A_SAMPLE = OPUS_CLOCK_HZ // SPEECH_RATE_HZ


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
    opus = library()
    return AvDecoder() if opus is None else LibraryDecoder(opus)


class LibraryDecoder:
    """libopus, decoding to 16 kHz directly."""

    def __init__(self, opus: ctypes.CDLL) -> None:
        error = ctypes.c_int()
        self._decode_float = opus.opus_decode_float
        self._state = opus.opus_decoder_create(SPEECH_RATE_HZ, 1, ctypes.byref(error))
        if not self._state:
            raise MemoryError(f"libopus made no decoder (error {error.value}).")
        weakref.finalize(self, opus.opus_decoder_destroy, self._state)

    def decode(self, payload: bytes) -> Pcm:
        """Return the sound of the next packet."""
        # An empty payload would be taken for a lost packet.
        return self._call(payload, MAX_PACKET_SAMPLES, recover=False) if payload else np.zeros(0, np.float32)

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
