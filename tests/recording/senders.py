"""Synthetic participants: what is true of each packet is known, and none of it needs real sound.

A packet's payload names it and says whether somebody speaks in it; `NamingDecoder` makes sound of that.
"""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from server.model.audio import OpusPacket, SenderReport
from server.recording import journal
from server.recording.journal import RecordType

PACKET_S = 0.02
TICKS = 960
TOC = 0xF8
NAME = struct.Struct("<BI?")
NTP_ZERO_S = 3.98e9
SHORTEST_WAY_S = 0.004

_noise = np.random.default_rng(3)
_LOUD = _noise.normal(0, 3_000, TICKS).astype("<i2").tobytes()
_HUSH = _noise.normal(0, 30, TICKS).astype("<i2").tobytes()


class NamingDecoder:
    """Noise of a voice's level for packets in which somebody speaks, of a room's for all others."""

    def decode(self, samples: int, packet: bytes) -> bytes:
        loud = len(packet) == NAME.size and NAME.unpack(packet)[2]
        return (_LOUD if loud else _HUSH)[: 2 * samples] if samples <= TICKS else bytes(2 * samples)

    def recover(self, samples: int, following: bytes) -> None:
        return None


@dataclass(frozen=True)
class Sender:
    """How somebody's sound comes; times in seconds of true room time.

    `stalls` are (when, how long) the sound stands still while RTP time does too; `pauses` (when, how long) nothing is
    sent while RTP time goes on (mute, DTX); `reconnects` (when, how long) a new connection takes over afterwards;
    `slow` (when, how long, extra) the network takes longer.
    """

    length_s: float
    ppm: float = 0.0
    ntp_ppm: float = 0.0
    jitter_s: float = 0.01
    loss: float = 0.0
    stalls: tuple[tuple[float, float], ...] = ()
    pauses: tuple[tuple[float, float], ...] = ()
    reconnects: tuple[tuple[float, float], ...] = ()
    slow: tuple[tuple[float, float, float], ...] = ()
    report_every_s: float = 5.0
    report_noise_s: float = 0.01
    report_loss: float = 0.1
    report_outliers: float = 0.02
    seed: int = 0


@dataclass
class Sent:
    """The journal of a sender, and the truth: when packet `n` began to sound, and whether somebody spoke in it."""

    records: bytes = b""
    began_s: dict[int, float] = field(default_factory=dict)
    speech: dict[int, bool] = field(default_factory=dict)
    delivered: set[int] = field(default_factory=set)


def send(sender: Sender) -> Sent:
    """Simulate it all; the journal holds records in order of arrival."""
    chance, sent = random.Random(sender.seed), Sent()
    arrivals = [_Arrival(0.0, 0, journal.encode_mark(RecordType.ON, 0.0)), *_arrivals(sender, chance, sent)]
    newest, records = 0, []
    for arrival in sorted(arrivals, key=lambda one: one.at_s):
        newest = max(newest, arrival.connection)
        if arrival.connection < newest:  # nobody listens to a connection that was replaced
            continue
        records.append(arrival.record)
        if arrival.number is not None:
            sent.delivered.add(arrival.number)
    sent.records = b"".join(records) + journal.encode_mark(RecordType.CLOSED, sender.length_s)
    return sent


@dataclass(frozen=True)
class _Arrival:
    at_s: float
    connection: int
    record: bytes
    number: int | None = None


def _arrivals(sender: Sender, chance: random.Random, sent: Sent) -> Iterator[_Arrival]:
    now_s, report_s, number = 0.3, 0.3 + chance.uniform(0.5, sender.report_every_s), 0
    breaks = [(*one, kind) for kind in ("stalls", "pauses", "reconnects") for one in getattr(sender, kind)]
    breaks.sort(reverse=True)
    stream = _Stream.new(chance, 0, now_s)
    step_s = PACKET_S / (1 + sender.ppm / 1e6)
    speaking, turn_s = False, 1.0
    while now_s < sender.length_s - 1.0:
        while report_s < now_s:
            yield _report(sender, chance, stream, report_s)
            report_s += sender.report_every_s
        if breaks and now_s >= breaks[-1][0]:
            _, length_s, kind = breaks.pop()
            packets = round(length_s / step_s)
            now_s += packets * step_s if kind == "pauses" else length_s
            if kind == "pauses":
                stream.timestamp += packets * TICKS
                stream.captured_s += packets * step_s
            elif kind == "reconnects":
                stream = _Stream.new(chance, stream.connection + 1, now_s)
                report_s = max(report_s, now_s + 0.1)
                yield _Arrival(now_s, stream.connection, journal.encode_mark(RecordType.CONNECTION, now_s))
            continue
        if now_s >= turn_s:
            speaking, turn_s = not speaking, now_s + (chance.uniform(0.3, 1.5) if speaking else chance.uniform(1, 8))
        sent.began_s[number], sent.speech[number] = now_s, speaking
        packet = stream.next_packet(now_s, NAME.pack(TOC, number, speaking), _delay_s(sender, chance, now_s))
        if chance.random() >= sender.loss:
            yield _Arrival(packet.arrival_s, stream.connection, journal.encode_packet(packet), number)
        number += 1
        now_s += step_s


@dataclass
class _Stream:
    connection: int
    ssrc: int
    timestamp: int
    sequence: int
    captured_s: float
    """True time at which the sound before `timestamp` ended."""

    @classmethod
    def new(cls, chance: random.Random, connection: int, now_s: float) -> "_Stream":
        return cls(connection, chance.getrandbits(32), chance.getrandbits(32), chance.getrandbits(16), now_s)

    def next_packet(self, now_s: float, payload: bytes, delay_s: float) -> OpusPacket:
        timestamp, sequence = self.timestamp % 2**32, self.sequence % 2**16
        self.timestamp += TICKS
        self.sequence += 1
        self.captured_s = now_s + PACKET_S
        return OpusPacket(self.ssrc, sequence, timestamp, payload, now_s + PACKET_S + delay_s)


def _report(sender: Sender, chance: random.Random, stream: _Stream, at_s: float) -> _Arrival:
    """As browsers make them: the newest sound's timestamp plus the time since it was captured."""
    ahead_s = at_s - stream.captured_s + chance.uniform(-sender.report_noise_s, 0)
    ticks = stream.timestamp + round(ahead_s * 48_000)
    ntp_s = NTP_ZERO_S + at_s * (1 + sender.ntp_ppm / 1e6)
    if chance.random() < sender.report_outliers:
        ntp_s += chance.choice((-3.0, 0.4, 60.0))
    arrival_s = at_s + _delay_s(sender, chance, at_s)
    lost = chance.random() < sender.report_loss
    report = SenderReport(stream.ssrc, ntp_s, ticks % 2**32, arrival_s)
    return _Arrival(arrival_s, stream.connection, b"" if lost else journal.encode_report(report))


def _delay_s(sender: Sender, chance: random.Random, now_s: float) -> float:
    extra_s = sum(more for begin, length, more in sender.slow if begin <= now_s < begin + length)
    return SHORTEST_WAY_S + extra_s + chance.expovariate(1 / sender.jitter_s)
