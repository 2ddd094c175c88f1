"""How loud each voice was, ten times a second: what a player draws its waveform from."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..model.audio import OPUS_CLOCK_HZ
from ..model.consultation import Role

PEAKS_NAME = "peaks.json"
PEAKS_PER_S = 10
STEP = OPUS_CLOCK_HZ // PEAKS_PER_S
LOUDEST = 127


class Peaks:
    """The highest magnitude of every tenth of a second, as 0 to 127 (full scale)."""

    def __init__(self) -> None:
        self.values = bytearray()

    def add(self, sound: NDArray[np.int16]) -> None:
        """Take the next samples: whole tenths of a second, but for the last ones."""
        if not len(sound):
            return
        padded = np.zeros(-(-len(sound) // STEP) * STEP, dtype=np.int32)
        padded[: len(sound)] = sound
        highest = np.abs(padded).reshape(-1, STEP).max(axis=1)
        self.values += np.rint(highest * (LOUDEST / 32_768)).astype(np.uint8).tobytes()


def encode_peaks(duration_s: float, peaks: Mapping[Role, Peaks]) -> bytes:
    """Return the content of `peaks.json`: one number for each tenth of a second from room time 0 on."""
    content = {
        "version": 1,
        "duration_s": duration_s,
        "peaks_per_s": PEAKS_PER_S,
        "loudest": LOUDEST,
        "peaks": {role.value: list(one.values) for role, one in peaks.items()},
    }
    return json.dumps(content, separators=(",", ":")).encode()
