"""Opus packets to 16 kHz mono with room times: reordered a little, duplicates dropped, loss recovered or concealed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ..model.audio import OPUS_CLOCK_HZ, OpusPacket
from ..model.timeline import RtpTimeline
from ..opus.packet import frame_samples
from .opus import Undecodable, create_decoder
from .port import Pcm

_WAIT_S = 0.06
_MOST_HELD = 8
_CONCEALED_S = 0.1
_RESTART = 3000


@dataclass(slots=True)
class DecoderStats:
    """What became of the packets."""

    decoded: int = 0
    duplicates: int = 0
    late: int = 0
    lost: int = 0
    undecodable: int = 0


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples at 16 kHz whose first one sounded at room time `start_s`."""

    samples: Pcm
    start_s: float


def opus_ticks(payload: bytes) -> int:
    """Return the duration of an Opus packet in 48 kHz ticks; 0 if it has none.

    Its framing is not checked: what cannot be decoded took its time all the same.

    Source: RFC 6716, section 3.2 (frame packing).
    """
    if not payload:
        return 0
    frame, code = frame_samples(payload[0]), payload[0] & 3
    if code == 3:
        return frame * (payload[1] & 0x3F) if len(payload) > 1 else 0
    return frame * (1 if code == 0 else 2)


def _duration_s(payload: bytes) -> float:
    return opus_ticks(payload) / OPUS_CLOCK_HZ


class PacketDecoder:
    """Decodes the packets of one participant, as they arrive.

    A packet that overtook others waits at most 60 ms, or 8 packets, for them. Up to 0.1 s of loss is recovered from the
    error correction in the next packet, or concealed; a longer hole is left to the times of what follows.
    """

    def __init__(self) -> None:
        self.stats = DecoderStats()
        self._ssrc: int | None = None
        self._begin(None)

    def new_connection(self) -> list[Sound]:
        """Forget sequence numbers and clock: what comes next belongs to another connection. Returns what was held."""
        sounds = self.release()
        self._begin(None)
        return sounds

    def push(self, packet: OpusPacket) -> list[Sound]:
        """Take the next packet to arrive; return the sound that is now in order."""
        sounds: list[Sound] = []
        if self._ssrc is None or packet.ssrc != self._ssrc or self._is_restart(packet):
            sounds = self.release()
            self._begin(packet)
        number = self._unwrap(packet.sequence_number)
        if number in self._held or number in self._done:
            self.stats.duplicates += 1
            return sounds
        if number < self._next:
            self.stats.late += 1
            return sounds
        self._held[number] = (
            packet,
            self._timeline.observe(packet.timestamp, packet.arrival_s, _duration_s(packet.payload)),
        )
        sounds.extend(self._drain(packet.arrival_s))
        return sounds

    def release(self) -> list[Sound]:
        """Return what was held back, without waiting for what is missing."""
        return list(self._drain(float("inf")))

    def _begin(self, packet: OpusPacket | None) -> None:
        self._ssrc = None if packet is None else packet.ssrc
        self._next = 0 if packet is None else packet.sequence_number
        self._expected_ticks: int | None = None
        self._held: dict[int, tuple[OpusPacket, float]] = {}
        self._done: deque[int] = deque(maxlen=64)
        self._timeline = RtpTimeline()
        self._opus = create_decoder()

    def _is_restart(self, packet: OpusPacket) -> bool:
        return abs(self._unwrap(packet.sequence_number) - self._next) > _RESTART

    def _unwrap(self, sequence_number: int) -> int:
        return self._next + ((sequence_number - self._next + 0x8000) & 0xFFFF) - 0x8000

    def _drain(self, now_s: float) -> Iterator[Sound]:
        while self._held:
            if self._next not in self._held:
                first = min(self._held)
                oldest_s = min(packet.arrival_s for packet, _ in self._held.values())
                if now_s - oldest_s < _WAIT_S and len(self._held) < _MOST_HELD:
                    return
                self.stats.lost += first - self._next
                self._next = first
            packet, room_s = self._held.pop(self._next)
            self._done.append(self._next)
            self._next += 1
            yield from self._decode(packet, room_s)

    def _decode(self, packet: OpusPacket, room_s: float) -> Iterator[Sound]:
        ticks = opus_ticks(packet.payload)
        if self._expected_ticks is not None and ticks:
            missing = (packet.timestamp - self._expected_ticks) & 0xFFFFFFFF
            if 0 < missing <= _CONCEALED_S * OPUS_CLOCK_HZ:
                mended = self._opus.recover(packet.payload, missing)
                if len(mended):
                    yield Sound(mended, room_s - missing / OPUS_CLOCK_HZ)
        if ticks:
            self._expected_ticks = (packet.timestamp + ticks) & 0xFFFFFFFF
        try:
            samples = self._opus.decode(packet.payload)
        except Undecodable:
            self.stats.undecodable += 1
            return
        if len(samples):
            self.stats.decoded += 1
            yield Sound(samples, room_s)
