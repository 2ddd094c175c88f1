"""Audio as it travels between rooms of the house: packets, and decoded sound."""

from __future__ import annotations

from dataclasses import dataclass

OPUS_CLOCK_HZ = 48_000
SPEECH_RATE_HZ = 16_000


@dataclass(slots=True)
class OpusPacket:
    """One RTP packet of Opus as received: `timestamp` in 48 kHz ticks (32 bit), `arrival_s` on the room clock.

    Whoever gets one leaves it as it is. It is not frozen because thousands are made a second, five times as fast so.
    """

    ssrc: int
    sequence_number: int
    timestamp: int
    payload: bytes
    arrival_s: float
    marker: bool = False


@dataclass(frozen=True, slots=True)
class SenderReport:
    """One RTCP SR: which wall time of the sender (`ntp_s`, seconds since 1900) an RTP timestamp stands for."""

    ssrc: int
    ntp_s: float
    timestamp: int
    arrival_s: float
