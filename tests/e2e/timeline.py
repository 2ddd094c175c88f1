"""Where in a recording a known sound lies."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8_000


def samples(path: Path) -> NDArray[np.float64]:
    """Decode a file to mono at `RATE_HZ`."""
    resampler = av.AudioResampler("fltp", "mono", RATE_HZ)
    chunks = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            chunks += [one.to_ndarray().reshape(-1) for one in resampler.resample(frame)]
        chunks += [one.to_ndarray().reshape(-1) for one in resampler.resample(None)]
    return np.concatenate(chunks).astype(np.float64)


def offset_s(source: NDArray[np.float64], recording: NDArray[np.float64], start_s: float, end_s: float) -> float:
    """Return how much later `source[start_s:end_s]` sounds in `recording`, by cross-correlation."""
    piece = source[int(start_s * RATE_HZ) : int(end_s * RATE_HZ)]
    piece = piece - piece.mean()
    size = 1 << (len(recording) + len(piece) - 1).bit_length()
    spectrum = np.fft.rfft(recording, size) * np.conj(np.fft.rfft(piece, size))
    correlation = np.fft.irfft(spectrum, size)[: len(recording)]
    return float(np.argmax(correlation)) / RATE_HZ - start_s
