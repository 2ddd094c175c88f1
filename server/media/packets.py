"""The way of packets: from one browser to those who listen to it, and Opus to the tap."""

from __future__ import annotations

from collections.abc import Callable

from ..model.audio import OpusPacket
from .forwarder import Source
from .inbound import Inbound
from .leg import Leg
from .rtp import Malformed, RtpPacket, parse_rtp
from .tap import Tap


class PacketPath:
    """Takes one leg's RTP. No queue: a packet has left for the other side when `take` returns."""

    def __init__(self, leg: Leg, tap: Tap, now_s: Callable[[], float]) -> None:
        self.last_rtp_s: float | None = None
        self.malformed = 0
        self.unknown = 0
        self._leg = leg
        self._tap = tap
        self._now_s = now_s

    def take(self, data: bytes) -> None:
        """Take a decrypted RTP packet from the browser."""
        now_s = self._now_s()
        try:
            packet = parse_rtp(data)
        except Malformed:
            self.malformed += 1
            return
        self.last_rtp_s = now_s
        inbound = self._leg.by_payload_type.get(packet.payload_type)
        if inbound is None:
            self.unknown += 1
            return
        original = inbound.accept(packet, now_s)
        if original is None:
            return
        source = (self._leg.number, original.ssrc)
        for listener in self._leg.listeners:
            _forward(listener, original, inbound, source, now_s)
        if inbound.line.kind == "audio":
            self._listen(original, now_s)
        elif self._leg.listeners:
            self._leg.send_rtcp(inbound.due_feedback(now_s))
        if not self._leg.listeners:
            self._leg.heard_alone(inbound.line.kind, original, now_s)

    def _listen(self, packet: RtpPacket, now_s: float) -> None:
        if packet.payload:
            self._tap.audio(
                OpusPacket(
                    ssrc=packet.ssrc,
                    sequence_number=packet.sequence_number,
                    timestamp=packet.timestamp,
                    payload=packet.payload,
                    arrival_s=now_s,
                    marker=packet.marker,
                )
            )


def _forward(leg: Leg, packet: RtpPacket, inbound: Inbound, source: Source, now_s: float) -> None:
    """Send the browser of `leg` a packet of its source."""
    outbound = leg.outbound.get(inbound.line.kind)
    if outbound is None or not leg.transport.connected:
        return
    held_back = outbound.forwarder.counters.awaiting_key_frame
    data = outbound.packet(packet, source, inbound, now_s)
    if data is not None:
        leg.transport.send_rtp(data)
    elif outbound.forwarder.counters.awaiting_key_frame > held_back and leg.source is not None:
        leg.source.request_key_frame()
