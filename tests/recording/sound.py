"""Speech-like test sound: bursts at known times, as Opus packets that arrive over a synthetic network."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np

from server.model.audio import OPUS_CLOCK_HZ, OpusPacket

BURST_S = 0.1


def bursts(duration_s: float, at_s: Iterable[float], hz: float = 1000.0) -> np.ndarray:
    """Return int16 samples at 48 kHz: quiet noise with a sine burst of 100 ms at each of `at_s`."""
    count = round(duration_s * OPUS_CLOCK_HZ)
    sound = np.random.default_rng(7).normal(0.0, 20.0, count)
    tone = 12_000 * np.sin(2 * np.pi * hz * np.arange(round(BURST_S * OPUS_CLOCK_HZ)) / OPUS_CLOCK_HZ)
    for start_s in at_s:
        start = round(start_s * OPUS_CLOCK_HZ)
        sound[start : start + len(tone)] += tone[: max(0, count - start)]
    return sound.astype(np.int16)


def encode(sound: np.ndarray, packet_ms: int = 20, bit_rate: int = 32_000) -> list[bytes]:
    """Return Opus packets of `packet_ms` each (the last one, cut short, is left out)."""
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = OPUS_CLOCK_HZ, "mono", "s16", bit_rate
    codec.options = {"frame_duration": str(packet_ms), "application": "voip"}
    codec.open()
    size = OPUS_CLOCK_HZ * packet_ms // 1000
    packets = []
    for begin in range(0, len(sound) - size + 1, size):
        frame = av.AudioFrame.from_ndarray(sound[None, begin : begin + size], "s16", "mono")
        frame.sample_rate, frame.pts = OPUS_CLOCK_HZ, begin
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets


@dataclass(frozen=True)
class Leg:
    """How one stream is sent: what was encoded began to sound at `start_s` of room time."""

    start_s: float = 0.0
    packet_ms: int = 20
    ssrc: int = 0x1234
    first_timestamp: int = 4_294_900_000
    first_sequence: int = 65_500
    delay_s: Callable[[int], float] = lambda _: 0.03
    clock_ppm: float = 0.0

    def packets(self, payloads: Sequence[bytes]) -> list[OpusPacket]:
        """Return the packets in the order they were sent; each leaves when its last sample has sounded."""
        step_s = self.packet_ms / 1000 / (1 + self.clock_ppm / 1e6)
        return [
            OpusPacket(
                ssrc=self.ssrc,
                sequence_number=(self.first_sequence + index) % 2**16,
                timestamp=(self.first_timestamp + index * self.packet_ms * 48) % 2**32,
                payload=payload,
                arrival_s=self.start_s + (index + 1) * step_s + self.delay_s(index),
            )
            for index, payload in enumerate(payloads)
        ]


def by_arrival(packets: Iterable[OpusPacket]) -> list[OpusPacket]:
    return sorted(packets, key=lambda packet: packet.arrival_s)


def stalled(packets: Sequence[OpusPacket], after: int, stall_s: float) -> list[OpusPacket]:
    """Delay everything after packet `after`, as when the sender's clock stands still."""
    return [
        packet if index <= after else replace(packet, arrival_s=packet.arrival_s + stall_s)
        for index, packet in enumerate(packets)
    ]


def read_sound(path: Path) -> np.ndarray:
    """Return all samples of the first audio stream as FFmpeg plays it, mono int16 at 48 kHz."""
    chunks = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("s16", "mono", OPUS_CLOCK_HZ)
        for frame in container.decode(audio=0):
            chunks += [out.to_ndarray()[0] for out in resampler.resample(frame)]
    return np.concatenate(chunks) if chunks else np.zeros(0, dtype=np.int16)


def onsets(sound: np.ndarray, threshold: float = 3000.0) -> list[float]:
    """Return when bursts begin, in seconds: RMS over 2 ms above `threshold` after 50 ms below it."""
    step = OPUS_CLOCK_HZ // 500
    usable = sound[: len(sound) // step * step].astype(np.float64).reshape(-1, step)
    loud = np.sqrt((usable**2).mean(axis=1)) > threshold
    found, quiet_for = [], 1000
    for index, is_loud in enumerate(loud):
        if is_loud and quiet_for >= 25:
            found.append(index * step / OPUS_CLOCK_HZ)
        quiet_for = 0 if is_loud else quiet_for + 1
    return found
