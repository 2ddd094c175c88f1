"""What one browser sends of one kind: which SSRC counts, RTX unwrapped, and what to ask it for."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from .description import MediaLine
from .feedback import KeyFrameGate, NackGate
from .gaps import GapWatch
from .keyframe import starts_key_frame
from .losses import Losses
from .offer import OfferedLine
from .rtcp import write_nack, write_pli
from .rtp import RtpPacket

LATCH_AFTER_S = 1.0


@dataclass(slots=True)
class InboundCounters:
    """Packets and bytes received, and what was left aside."""

    packets: int = 0
    octets: int = 0
    retransmitted: int = 0
    ignored: int = 0
    key_frame_requests: int = 0
    nacked: int = 0


class Inbound:
    """One inbound media line."""

    def __init__(self, line: MediaLine, offered: OfferedLine) -> None:
        self.counters = InboundCounters()
        self.ssrc: int | None = None
        self.idle = True
        self._gate = KeyFrameGate()
        self._nacks = NackGate()
        self._gaps = GapWatch()
        self._losses = Losses()
        self._missed_before = 0
        self.heard_s = float("-inf")
        self.agree(line, offered)

    def agree(self, line: MediaLine, offered: OfferedLine) -> None:
        """Go on with what a negotiation agreed on."""
        self.line = line
        self._declared = offered.ssrcs
        self._rtx_ssrcs = offered.rtx_ssrcs
        if self.ssrc is None or (self._declared and self.ssrc not in self._declared):
            self.ssrc = self._declared[0] if self._declared else None

    def accept(self, packet: RtpPacket, now_s: float) -> RtpPacket | None:
        """Return the media packet in `packet`, RTX unwrapped; None for probes and for streams not agreed on."""
        original: RtpPacket | None = packet
        if packet.payload_type in self.line.rtx:
            original = self._unwrap_rtx(packet)
        if original is None or not self._take_ssrc(original.ssrc, now_s):
            self.counters.ignored += 1
            return None
        self._count(len(packet.payload), now_s, 1)
        self._losses.arrived(original.sequence_number)
        if self.line.kind == "video":
            self._gaps.arrived(original.sequence_number, now_s, again=original is not packet)
            if self._gate.awaited:
                codec = self.line.codecs.get(original.payload_type, "")
                self._gate.awaited = not starts_key_frame(codec, original.payload)
        return original

    @property
    def missed(self) -> int:
        """How many video packets were lost on their way here; what was asked for and came then counts too."""
        return self._missed_before + self._gaps.missed

    @property
    def unsettled(self) -> bool:
        """Something is to be asked of this browser soon, or was: each packet may be the occasion, or the answer."""
        return self._gate.waiting or self._gate.awaited or self._gaps.open or self._gaps.hopeless

    def count(self, octets: int, now_s: float, packets: int = 1) -> None:
        """Count packets that a lane passed on in sequence, with payloads of so many bytes together."""
        self._count(octets, now_s, packets)
        self._gaps.advance(packets)
        self._losses.advance(packets)

    def _count(self, octets: int, now_s: float, packets: int) -> None:
        self.idle = False
        self.heard_s = now_s
        self.counters.packets += packets
        self.counters.octets += octets

    @property
    def lost(self) -> int:
        """How many packets never came, not even again."""
        return self._losses.lost

    def key_frame_request(self, now_s: float, *, urgent: bool = False) -> bytes | None:
        """Return a PLI if one may be sent now; otherwise it waits for `due_feedback`."""
        return self._pli() if self._gate.ask(now_s, urgent=urgent) else None

    def due_feedback(self, now_s: float) -> bytes | None:
        """Return the requests that are due now: for lost packets, and for the key frame that waited or never came."""
        due = self._gaps.due(now_s)
        nack = self.missing(due, now_s) if due else None
        if self._gaps.hopeless:
            self._gaps.hopeless, self._gate.waiting = False, True
        if not self._gate.due(now_s):
            return nack
        return (nack or b"") + (self._pli() or b"") or None

    def missing(self, sequence_numbers: Iterable[int], now_s: float) -> bytes | None:
        """Return a NACK for what was not asked for a moment ago."""
        if self.ssrc is None:
            return None
        due = self._nacks.ask(sequence_numbers, now_s)
        self.counters.nacked += len(due)
        return write_nack(self.line.ssrcs[0], self.ssrc, due) if due else None

    def _pli(self) -> bytes | None:
        if self.ssrc is None:
            self._gate.waiting = True
            return None
        self.counters.key_frame_requests += 1
        return write_pli(self.line.ssrcs[0], self.ssrc)

    def _unwrap_rtx(self, packet: RtpPacket) -> RtpPacket | None:
        """Source: RFC 4588 section 4. Padding-only RTX packets are bandwidth probes and repeat nothing."""
        ssrc = self._rtx_ssrcs.get(packet.ssrc, self.ssrc)
        if ssrc is None or len(packet.payload) < 2:
            return None
        self.counters.retransmitted += 1
        (sequence_number,) = struct.unpack_from("!H", packet.payload)
        return RtpPacket(
            payload_type=self.line.rtx[packet.payload_type],
            sequence_number=sequence_number,
            timestamp=packet.timestamp,
            ssrc=ssrc,
            payload=packet.payload[2:],
            marker=packet.marker,
            extensions=packet.extensions,
        )

    def _take_ssrc(self, ssrc: int, now_s: float) -> bool:
        """Tell whether this stream counts: the declared one, or without a declaration the one that is alive."""
        if ssrc == self.ssrc:
            return True
        allowed = ssrc in self._declared if self._declared else True
        if not allowed or now_s - self.heard_s < LATCH_AFTER_S:
            return False
        self.ssrc = ssrc
        self._missed_before += self._gaps.missed
        self._gaps = GapWatch()
        self._losses.restart()
        return True
