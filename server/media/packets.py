"""The way of packets: from one browser to those who listen to it, and Opus to the tap."""

from __future__ import annotations

from collections.abc import Callable

from ..model.audio import OpusPacket
from .forwarder import Source
from .inbound import Inbound
from .lane import Lane
from .leg import Leg
from .rtp import Malformed, RtpPacket, parse_rtp
from .srtp_seam import packet_buffer
from .tap import Tap

MIN_BYTES = 20
"""Below this nothing is worth a short way: no reader of a header can run beyond the packet."""


class PacketPath:
    """Takes one leg's RTP. No queue: a packet has left for the other side when `take` returns."""

    def __init__(self, leg: Leg, tap: Tap, now_s: Callable[[], float]) -> None:
        self.last_rtp_s: float | None = None
        self.malformed = 0
        self.unknown = 0
        self._leg = leg
        self._tap = tap
        self._now_s = now_s
        self._view = packet_buffer().view

    def take_in_place(self, octets: int) -> bool:
        """Take the decrypted RTP packet of that length in `packet_buffer()`; most leave from there.

        True if it was only passed on: nobody else heard of it.
        """
        if octets >= MIN_BYTES:
            now_s = self._now_s()
            lane = self._leg.lanes.get(self._view[1] & 0x7F)
            if lane is not None and lane.forward(octets, now_s):
                self.last_rtp_s = now_s
                return lane.quiet
        self.take(bytes(self._view[:octets]))
        return False

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
            if _forward(listener, original, inbound, source, now_s) and packet is original:
                self._open_lane(listener, inbound, packet.payload_type)
        if inbound.line.kind == "audio":
            self._listen(original, now_s)
        elif self._leg.listeners:
            self._leg.send_rtcp(inbound.due_feedback(now_s))
        if not self._leg.listeners:
            self._leg.heard_alone(inbound.line.kind, original, now_s)

    def _open_lane(self, listener: Leg, inbound: Inbound, payload_type: int) -> None:
        """Let the packets that follow go the short way, if there is but one listener."""
        lane = self._leg.lanes.get(payload_type)
        if len(self._leg.listeners) == 1 and (lane is None or not lane.current):
            self._leg.lanes[payload_type] = Lane(self._view, inbound, listener, self._tap, payload_type)

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


def _forward(leg: Leg, packet: RtpPacket, inbound: Inbound, source: Source, now_s: float) -> bool:
    """Send the browser of `leg` a packet of its source; False if it was not passed on."""
    outbound = leg.outbound.get(inbound.line.kind)
    if outbound is None or not leg.transport.connected:
        return False
    held_back = outbound.forwarder.counters.awaiting_key_frame
    data = outbound.packet(packet, source, inbound, now_s)
    if data is not None:
        leg.transport.send_rtp(data)
    elif outbound.forwarder.counters.awaiting_key_frame > held_back and leg.source is not None:
        leg.source.request_key_frame()
    return data is not None
