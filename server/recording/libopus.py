"""libopus itself at 48 kHz: faster a packet than through FFmpeg, and the only way to a packet's FEC.

Source: opus_defines.h (requests), RFC 6716.
"""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from ..model.audio import OPUS_CLOCK_HZ
from ..opus.packet import MAX_FRAME_BYTES, MAX_PACKET_SAMPLES

SAMPLE_BYTES = 2
_APPLICATION_AUDIO = 2049
_SET_BITRATE, _SET_VBR, _SET_COMPLEXITY, _SET_VBR_CONSTRAINT = 4002, 4006, 4010, 4020


class OpusDecoder:
    """One mono stream at 48 kHz."""

    def __init__(self, opus: ctypes.CDLL) -> None:
        """Make a decoder.

        Raises:
            MemoryError: If libopus has none to give.
        """
        self._opus = opus
        self._sound = ctypes.create_string_buffer(MAX_PACKET_SAMPLES * SAMPLE_BYTES)
        self._decoder = opus.opus_decoder_create(OPUS_CLOCK_HZ, 1, ctypes.byref(ctypes.c_int()))
        if not self._decoder:
            raise MemoryError("libopus has no memory for a decoder.")

    def decode(self, samples: int, packet: bytes) -> bytes | None:
        """Return the packet's `samples` samples; None if it is refused or of another length."""
        return self._decoded(samples, packet, MAX_PACKET_SAMPLES, fec=False)

    def recover(self, samples: int, following: bytes) -> bytes | None:
        """Return `samples` samples lost before `following`, from what it repeats of them, or concealed."""
        return self._decoded(samples, following, samples, fec=True)

    def _decoded(self, samples: int, packet: bytes, room: int, *, fec: bool) -> bytes | None:
        count = self._opus.opus_decode(self._decoder, packet, len(packet), self._sound, room, int(fec))
        return ctypes.string_at(self._sound, samples * SAMPLE_BYTES) if count == samples else None

    def __del__(self) -> None:
        if getattr(self, "_decoder", None):
            self._opus.opus_decoder_destroy(self._decoder)


class OpusEncoder:
    """One stereo stream at 48 kHz, of varying bit rate."""

    def __init__(self, opus: ctypes.CDLL, *, bit_rate: int, complexity: int) -> None:
        """Make an encoder.

        Raises:
            MemoryError: If libopus has none to give.
        """
        self._opus = opus
        self._packet = ctypes.create_string_buffer(MAX_FRAME_BYTES)
        self._encoder = opus.opus_encoder_create(OPUS_CLOCK_HZ, 2, _APPLICATION_AUDIO, ctypes.byref(ctypes.c_int()))
        if not self._encoder:
            raise MemoryError("libopus has no memory for an encoder.")
        choices = ((_SET_BITRATE, bit_rate), (_SET_COMPLEXITY, complexity), (_SET_VBR, 1), (_SET_VBR_CONSTRAINT, 0))
        for request, value in choices:
            opus.opus_encoder_ctl(self._encoder, request, ctypes.c_int32(value))

    def encode(self, samples: NDArray[np.int16]) -> bytes:
        """Return the packet of one frame: (samples, 2), of a length that Opus knows, without holes in memory.

        Raises:
            ValueError: If libopus refuses it.
        """
        size = self._opus.opus_encode(self._encoder, samples.ctypes.data, len(samples), self._packet, MAX_FRAME_BYTES)
        if size < 0:
            raise ValueError(f"libopus does not encode a frame of {len(samples)} samples (error {size}).")
        return ctypes.string_at(self._packet, size)

    def __del__(self) -> None:
        if getattr(self, "_encoder", None):
            self._opus.opus_encoder_destroy(self._encoder)
