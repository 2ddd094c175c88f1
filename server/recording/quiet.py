"""Where nobody speaks: the only places where time may be mended."""

from __future__ import annotations

import math

import numpy as np

from ..model.audio import OPUS_CLOCK_HZ

PAUSE_SAMPLES = OPUS_CLOCK_HZ * 100 // 1000
"""A pause is quiet for so long: the hush inside a plosive is shorter."""

SILENT_RMS = 20.0
"""-64 dBFS: no microphone hears a voice below."""

LOUDEST_RMS = 400.0
"""-38 dBFS: what is louder might be a voice, however steady."""

ABOVE_FLOOR = 2.0
_STRIDE = 3
"""A third of the samples tell the level as well."""

RISE_PER_S = 1.12
"""The level of the background may seem to rise by 1 dB a second: no speech goes on so long without a dip."""


class QuietSense:
    """Follows the background's level (the lowest lately) and tells a pause from speech by it.

    Source: minimum statistics, Martin 2001, in its simplest form.
    """

    def __init__(self) -> None:
        self._floor = math.inf
        self._quiet_samples = PAUSE_SAMPLES
        self._steady_samples = PAUSE_SAMPLES

    @property
    def quiet(self) -> bool:
        """Whether a pause lasts."""
        return self._quiet_samples >= PAUSE_SAMPLES

    @property
    def steady(self) -> bool:
        """Whether nothing rises above the background, which may be loud."""
        return self._steady_samples >= PAUSE_SAMPLES

    def hear(self, samples: int, sound: bytes) -> None:
        """Take the next sound."""
        values = np.frombuffer(sound, dtype="<i2")[::_STRIDE].astype(np.float32)
        rms = math.sqrt(float(values @ values) / max(1, len(values)))
        self._floor = min(max(rms, 1.0), self._floor * RISE_PER_S ** (samples / OPUS_CLOCK_HZ))
        is_steady = rms <= max(SILENT_RMS, self._floor * ABOVE_FLOOR)
        is_quiet = is_steady and rms <= LOUDEST_RMS
        self._steady_samples = self._steady_samples + samples if is_steady else 0
        self._quiet_samples = self._quiet_samples + samples if is_quiet else 0
