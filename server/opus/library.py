"""libopus, as PyAV brings it: its decoder hands over what a packet repeats of the one before it, which PyAV's does not.

Source: opus.h.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

import av

_NUMBER, _LENGTH, _POINTER = ctypes.c_int, ctypes.c_int32, ctypes.c_void_p
_ERROR = ctypes.POINTER(ctypes.c_int)


@cache
def library() -> ctypes.CDLL | None:
    """Return libopus: the one in PyAV's wheel, or the system's; None where there is neither."""
    bundled = sorted((Path(av.__file__).parents[1] / "av.libs").glob("libopus-*.so*"))
    for name in (*map(str, bundled), "libopus.so.0"):
        try:
            return _declared(ctypes.CDLL(name))
        except (OSError, AttributeError):
            continue
    return None


def _declared(opus: ctypes.CDLL) -> ctypes.CDLL:
    """Declare every function that is used; what `opus_encoder_ctl` takes besides depends on the request."""
    opus.opus_decoder_create.argtypes = [_LENGTH, _NUMBER, _ERROR]
    opus.opus_decoder_create.restype = _POINTER
    opus.opus_decode.argtypes = [_POINTER, ctypes.c_char_p, _LENGTH, _POINTER, _NUMBER, _NUMBER]
    opus.opus_decode_float.argtypes = [_POINTER, ctypes.c_char_p, _LENGTH, _POINTER, _NUMBER, _NUMBER]
    opus.opus_decoder_destroy.argtypes = [_POINTER]
    opus.opus_decoder_destroy.restype = None
    opus.opus_encoder_create.argtypes = [_LENGTH, _NUMBER, _NUMBER, _ERROR]
    opus.opus_encoder_create.restype = _POINTER
    opus.opus_encoder_ctl.argtypes = [_POINTER, _NUMBER]
    opus.opus_encode.argtypes = [_POINTER, _POINTER, _NUMBER, _POINTER, _LENGTH]
    opus.opus_encoder_destroy.argtypes = [_POINTER]
    opus.opus_encoder_destroy.restype = None
    return opus
