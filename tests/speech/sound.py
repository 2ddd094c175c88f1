"""Sound to test with: clips, tones, noise, and their way through Opus."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from server.model.audio import OpusPacket
from server.speech.measure.sound import opus_packets, read_sound

CLIPS = Path(__file__).parents[1] / "fixtures" / "speech"
RATE_HZ = 16_000
FRAME = 960


def clip(name: str) -> NDArray[np.float32]:
    """Return a clip of tests/fixtures/speech as 16 kHz mono samples."""
    parts = []
    with av.open(str(CLIPS / name)) as container:
        resampler = av.AudioResampler("flt", "mono", RATE_HZ)
        for frame in [*container.decode(audio=0), None]:
            parts += [resampled.to_ndarray()[0] for resampled in resampler.resample(frame)]
    return np.concatenate(parts).astype(np.float32)


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def tone(seconds: float, hz: float = 220.0, level: float = 0.3) -> NDArray[np.float32]:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (level * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def noise(seconds: float, level: float = 0.05) -> NDArray[np.float32]:
    return np.random.default_rng(7).normal(0, level, round(seconds * RATE_HZ)).astype(np.float32)


def melody(seconds: float) -> NDArray[np.float32]:
    """Return chords with overtones that change every 0.4 s."""
    chords = ((220, 277, 330), (196, 247, 294), (175, 220, 262), (262, 330, 392))
    parts = []
    for beat in range(round(seconds / 0.4)):
        note = sum(tone(0.4, hz * overtone, 0.12 / overtone) for hz in chords[beat % 4] for overtone in (1, 2, 3))
        parts.append(note * np.linspace(1.0, 0.3, len(note), dtype=np.float32))
    return np.concatenate(parts).astype(np.float32)


def packets(payloads: list[bytes], *, ssrc: int = 1, first: int = 100, start_s: float = 0.0) -> list[OpusPacket]:
    """Return payloads of 20 ms as packets that arrive as soon as their last sample was heard."""
    return [
        OpusPacket(
            ssrc,
            (first + number) & 0xFFFF,
            (4_000_000_000 + number * FRAME) & 0xFFFFFFFF,
            payload,
            start_s + (number + 1) * 0.02,
        )
        for number, payload in enumerate(payloads)
    ]


def opus_of_tone(seconds: float, hz: float = 220.0) -> list[bytes]:
    """Return a tone as Opus payloads of 20 ms."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = 48_000, "mono", "s16", 32_000
    samples = (0.3 * 32767 * np.sin(2 * np.pi * hz * np.arange(round(seconds * 48_000)) / 48_000)).astype(np.int16)
    payloads = []
    for start in range(0, len(samples) - FRAME + 1, FRAME):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + FRAME], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, start
        payloads += [bytes(packet) for packet in encoder.encode(frame)]
    return payloads


def opus_of(samples: NDArray[np.float32]) -> list[bytes]:
    """Return 16 kHz samples as Opus payloads of 20 ms."""
    return opus_packets(np.repeat((samples * 32_767).clip(-32_768, 32_767).astype(np.int16), 3))


def opus_of_clip(name: str) -> list[bytes]:
    """Return a clip of tests/fixtures/speech as Opus payloads of 20 ms."""
    return opus_packets(read_sound(CLIPS / name))
