"""Sound for the bench: files, Opus packets of them, and sound in which nobody speaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ...model.audio import OPUS_CLOCK_HZ, SPEECH_RATE_HZ
from ..port import Pcm

FRAME = 960
SILENT_PACKET = b"\xf8\xff\xfe"
"""An Opus packet of 20 ms of silence."""

Sound = NDArray[np.int16]
"""Mono samples at 48 kHz, shape (n,)."""

_CHORDS_HZ = ((220, 277, 330), (196, 247, 294), (175, 220, 262), (262, 330, 392))
_BEAT_S = 0.4
_LOUD = 0.02
_ABOVE_NOISE = 3.16
_LASTING = 10
_LASTING_OF = 25


def read_sound(path: Path) -> Sound:
    """Return a file's sound, whatever its format.

    Raises:
        OSError: If it cannot be read.
    """
    with av.open(str(path)) as container:
        sound: Sound = _resampled(container.decode(audio=0), "s16", OPUS_CLOCK_HZ)
    return sound


def for_model(sound: Sound) -> Pcm:
    """Return `sound` as a model hears it: 16 kHz float32 in [-1, 1]."""
    frame = av.AudioFrame.from_ndarray(sound[None], format="s16", layout="mono")
    frame.sample_rate = OPUS_CLOCK_HZ
    samples: Pcm = _resampled([frame], "flt", SPEECH_RATE_HZ)
    return samples


def _resampled(frames: Any, sample_format: str, rate_hz: int) -> Any:
    resampler = av.AudioResampler(sample_format, "mono", rate_hz)
    return np.concatenate(list(_resampled_frames(frames, resampler)))


def _resampled_frames(frames: Any, resampler: Any) -> Iterator[Any]:
    for frame in [*frames, None]:
        for resampled in resampler.resample(frame):
            yield resampled.to_ndarray()[0]


def opus_packets(sound: Sound) -> list[bytes]:
    """Return `sound` as Opus packets of 20 ms, as a browser would send them."""
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = OPUS_CLOCK_HZ, "mono", "s16", 32_000
    encoder.options = {"application": "voip", "frame_duration": "20"}
    sound = np.pad(sound, (0, -len(sound) % FRAME))
    packets: list[bytes] = []
    for start in range(0, len(sound), FRAME):
        frame = av.AudioFrame.from_ndarray(sound[None, start : start + FRAME], format="s16", layout="mono")
        frame.sample_rate, frame.pts = OPUS_CLOCK_HZ, start
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets + [bytes(packet) for packet in encoder.encode(None)]


def silence(seconds: float) -> Sound:
    """Return `seconds` of nothing."""
    return np.zeros(round(seconds * OPUS_CLOCK_HZ), np.int16)


def noise(seconds: float) -> Sound:
    """Return noise whose loudness swells every four seconds, as of a room with a fan in it."""
    count = round(seconds * OPUS_CLOCK_HZ)
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * np.arange(count) / (4 * OPUS_CLOCK_HZ))
    return (np.random.default_rng(7).normal(0, 1600, count) * swell).clip(-32_767, 32_767).astype(np.int16)


def music(seconds: float) -> Sound:
    """Return chords with overtones that change every 0.4 s."""
    time_s = np.arange(round(_BEAT_S * OPUS_CLOCK_HZ)) / OPUS_CLOCK_HZ
    fade = np.linspace(1.0, 0.3, len(time_s))
    beats = [
        sum(np.sin(2 * np.pi * hz * over * time_s) / over for hz in chord for over in (1, 2, 3)) * fade * 3900
        for chord in _CHORDS_HZ
    ]
    count = round(seconds * OPUS_CLOCK_HZ)
    whole = np.tile(np.concatenate(beats), -(-count // (len(beats) * len(time_s))))
    return whole[:count].clip(-32_767, 32_767).astype(np.int16)


def spoken_span(sound: Sound) -> tuple[float, float]:
    """Return where the voice in `sound` begins and ends, in seconds.

    Voice is within 34 dB of the loudest and 10 dB above the quietest tenth: a recorded sentence has noise around it.
    It lasts: 0.2 s of the half second from there on are loud, or else it is a click of the recorder's.
    """
    whole = len(sound) // FRAME
    if not whole:
        return 0.0, 0.0
    frames = sound[: whole * FRAME].astype(np.float64).reshape(whole, FRAME)
    loudness = np.sqrt((frames**2).mean(axis=1))
    least = max(_LOUD * max(1.0, float(loudness.max())), _ABOVE_NOISE * float(np.percentile(loudness, 10)))
    loud = loudness > min(least, 0.5 * float(loudness.max()))
    first, last = _lasting(loud), _lasting(loud[::-1])
    return (first / 50, (whole - last) / 50) if loud.any() else (0.0, 0.0)


def _lasting(loud: NDArray[np.bool_]) -> int:
    """Return the first loud frame that is followed by loud ones, or else the first loud one."""
    ahead = np.convolve(loud, np.ones(_LASTING_OF))[_LASTING_OF - 1 :][: len(loud)]
    ahead = np.pad(ahead, (0, len(loud) - len(ahead)))
    lasting = np.flatnonzero(loud & (ahead >= _LASTING))
    return int(lasting[0] if len(lasting) else np.argmax(loud))
