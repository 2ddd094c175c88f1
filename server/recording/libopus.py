"""libopus itself, as PyAV brings it: faster a packet than through FFmpeg, and the only way to a packet's FEC."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

import av

from ..model.audio import OPUS_CLOCK_HZ
from .opus_packet import MAX_PACKET_SAMPLES

SAMPLE_BYTES = 2


@cache
def library() -> ctypes.CDLL | None:
    """Return libopus: the one in PyAV's wheel, or the system's; None where there is neither."""
    bundled = sorted((Path(av.__file__).parent.parent / "av.libs").glob("libopus-*.so*"))
    for name in (*map(str, bundled), "libopus.so.0"):
        try:
            found = ctypes.CDLL(name)
        except OSError:
            continue
        found.opus_decoder_create.restype = ctypes.c_void_p
        found.opus_decoder_create.argtypes = [ctypes.c_int32, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
        found.opus_decoder_destroy.restype = None
        found.opus_decoder_destroy.argtypes = [ctypes.c_void_p]
        found.opus_decode.argtypes = [
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_int32,
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_int,
        ]
        return found
    return None


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
