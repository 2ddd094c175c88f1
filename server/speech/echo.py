"""Whether one microphone heard the other's voice, through which path, and what of a sound that path leaves unexplained.

All sound is 16 kHz and pre-emphasised where it is compared, so that consonants count beside vowels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .port import Pcm

SEARCH = 2048
"""How many samples are looked for in the other's sound."""
EARLIEST, LATEST = -704, 5440
"""Delays that are looked at, in samples: -44 to 340 ms. The room's clock knows each network's delay only so well."""
FRAME = 1024
"""Samples of one frame of the path's estimate."""
BEFORE, AFTER = 128, 384
"""Taps of the path around its delay."""

_EMPHASIS = np.float32(0.95)
_MOST_GAIN = 0.7
_MOST_SHARE = 0.5
_MOST_REST = 0.25
_SURE = 0.55
_LIKELY = 0.35
_MEMORY = 0.93
_REST_MEMORY = 0.97
_REVERBERATION = 0.75
_MARGIN = 5.0
_LEAST_SHARE = 0.02
_LEAST_DISTURBANCE = 1e-3
_DEAD = 3e-4
_TINY = 1e-9
_LEAST_FLOOR = 1e-6
_WINDOW: Pcm = np.hanning(FRAME + 1)[:FRAME].astype(np.float32)
_EDGES = np.unique(np.round(np.concatenate([np.linspace(6, 64, 8), np.geomspace(64, 512, 7)])).astype(int))[:-1]
_SMOOTHING = np.ones(9) / 9

_Bands = NDArray[np.float64]
_Spectrum = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Leak:
    """The other's voice in a microphone: how many samples later than there, and how alike the two are, up to 1."""

    delay: int
    likeness: float

    @property
    def sure(self) -> bool:
        """Whether this alone is proof; else it takes a second find of the same delay in other sound."""
        return self.likeness >= _SURE


def emphasised(samples: Pcm) -> Pcm:
    """Return `samples`, without the first, with high frequencies raised as speech lowers them."""
    raised: Pcm = samples[1:] - _EMPHASIS * samples[:-1]
    return raised


def find_leak(own: Pcm, other: Pcm) -> Leak | None:
    """Return how `own` holds what `other` held earlier, if that is likely.

    `own` has shape (SEARCH,), `other` (SEARCH + LATEST - EARLIEST,) and begins LATEST samples earlier; both are
    pre-emphasised. Two voices that are strangers correlate by 0.3 at most over so long, a leak by 0.4 to 0.99.
    """
    size = len(other)
    product = np.fft.irfft(np.fft.rfft(other) * np.conj(np.fft.rfft(own, size)), size)[: LATEST - EARLIEST + 1]
    sums = np.concatenate([[0.0], np.cumsum(np.square(other, dtype=np.float64))])
    energies = np.maximum(sums[SEARCH:] - sums[: LATEST - EARLIEST + 1], _TINY)
    own_energy = float(np.square(own, dtype=np.float64).sum())
    alike = np.abs(product) / np.sqrt(energies * max(own_energy, _TINY))
    alike[(np.abs(product) > _MOST_GAIN * energies) | (own_energy > _MOST_GAIN * energies)] = 0.0
    place = int(alike.argmax())
    if alike[place] < _LIKELY:
        return None
    return Leak(LATEST - place, float(alike[place]))


def _spectrum(samples: Pcm) -> _Spectrum:
    found: _Spectrum = np.fft.rfft(samples * _WINDOW)
    return found


def _power(spectrum: _Spectrum) -> _Bands:
    power: _Bands = np.square(spectrum.real) + np.square(spectrum.imag)
    return power


def _in_bands(power: _Bands) -> _Bands:
    bands: _Bands = np.add.reduceat(power, _EDGES)
    return bands


class EchoPath:
    """The way of the other's voice into a microphone, for one delay: a filter, and in each band what the filter leaves.

    Frames have shape (FRAME,), pre-emphasised; the other's is the one `delay` samples earlier.
    The filter is the ratio of averaged spectra, each bin weighted by how little else was heard in it, so that
    two people talking at once does not spoil it. Source: frequency-domain Kalman filter, Enzner and Vary 2006,
    reduced to one frame and a fixed memory.
    """

    def __init__(self, delay: int, frames: list[tuple[Pcm, Pcm]]) -> None:
        self.delay = delay
        self.taps: Pcm = np.zeros(BEFORE + AFTER, np.float32)
        self.likeness = 0.5
        self._filter: _Spectrum = np.zeros(FRAME // 2 + 1, np.complex128)
        self._cross = np.zeros(FRAME // 2 + 1, np.complex128)
        self._auto = np.full(FRAME // 2 + 1, _TINY)
        own_power = other_power = _TINY
        bands: _Bands = np.zeros(len(_EDGES))
        self._floor: _Bands = np.full(len(_EDGES), np.inf)
        for own, other in frames:
            spectrum, source = _spectrum(own), _spectrum(other)
            self._add(spectrum, source, _power(spectrum))
            bands += _in_bands(_power(source))
            self._floor = np.minimum(self._floor, np.maximum(_in_bands(_power(spectrum)), _LEAST_FLOOR))
            own_power += float(_power(spectrum).sum())
            other_power += float(_power(source).sum())
        self._solve()
        self._source = bands + 0.1 * bands.mean() + _TINY
        self._rest = min(_MOST_REST, own_power / other_power) * self._source
        self._lingering: _Bands = np.zeros(len(_EDGES))

    def unexplained(self, own: Pcm, other: Pcm) -> float:
        """Return the share of `own` that is not the other's voice, between 0 and 1; learn from both."""
        spectrum, source = _spectrum(own), _spectrum(other)
        own_power, source_power = _power(spectrum), _power(source)
        if own_power.sum() < _DEAD * source_power.sum():
            return 0.0  # muted or cancelled: nothing is heard, and nothing to learn
        rest_power = _power(spectrum - self._filter * source)
        own_bands, source_bands, rest_bands = _in_bands(own_power), _in_bands(source_power), _in_bands(rest_power)
        total = float(own_power.sum()) + _TINY
        self._lingering = np.maximum(source_bands, _REVERBERATION * self._lingering)
        self._floor = np.minimum(np.maximum(own_bands, _LEAST_FLOOR), 1.01 * self._floor)
        explained = _MARGIN * self._rest / self._source * self._lingering + 2 * self._floor
        if _MOST_SHARE * self._lingering.sum() < (own_bands - 2 * self._floor).sum():
            return 1.0
        share = min(1.0, float(np.maximum(rest_bands - explained, 0.0).sum() / (own_bands.sum() + _TINY)))
        if source_power.sum() > 2 * total:
            self.likeness += 0.05 * (1 - float(rest_power.sum()) / total - self.likeness)
            self._add(spectrum, source, np.maximum(rest_power, _LEAST_SHARE * own_power))
            self._solve()
            if share < 0.3:
                self._rest = _REST_MEMORY * self._rest + np.minimum(rest_bands, _MOST_REST * source_bands)
                self._source = _REST_MEMORY * self._source + source_bands
        return share

    def subtract(self, own: Pcm, other: Pcm) -> Pcm:
        """Return `own` without what the filter makes of `other`.

        `other` begins AFTER - 1 samples before what `own` would echo and has BEFORE + AFTER - 1 samples more; neither
        is pre-emphasised. What is not lessened stays.
        """
        size = 1 << (len(other) - 1).bit_length()
        leak = np.fft.irfft(np.fft.rfft(other, size) * np.fft.rfft(self.taps, size), size)
        rest: Pcm = own - leak[BEFORE + AFTER - 1 : len(other)].astype(np.float32)
        return rest if float(np.dot(rest, rest)) < float(np.dot(own, own)) else own

    def _add(self, spectrum: _Spectrum, source: _Spectrum, disturbance: _Bands) -> None:
        heard = _power(source)
        weight = 1 / (np.convolve(disturbance + _LEAST_DISTURBANCE * heard, _SMOOTHING, "same") + _TINY)
        self._cross = _MEMORY * self._cross + weight * spectrum * np.conj(source)
        self._auto = _MEMORY * self._auto + weight * heard

    def _solve(self) -> None:
        response = self._cross / self._auto
        response /= np.maximum(np.abs(response), 1.0)
        taps = np.fft.irfft(response)
        taps[AFTER : FRAME - BEFORE] = 0.0
        self.taps = np.concatenate([taps[FRAME - BEFORE :], taps[:AFTER]]).astype(np.float32)
        self._filter = np.fft.rfft(taps)
