"""What one browser is sent of one kind: forwarded packets, retransmissions, sender reports."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .description import MediaLine
from .feedback import at_sender
from .forwarder import Forwarder, Source
from .history import History
from .inbound import Inbound
from .rtcp import ReportBlock, SenderInfo, write_sender_report
from .rtp import RtpPacket


@dataclass(slots=True)
class OutboundCounters:
    """Packets and bytes handed to the transport, and what the browser says of them."""

    packets: int = 0
    octets: int = 0
    retransmitted: int = 0
    duplicates: int = 0
    lost: int = 0
    nacked: int = 0
    key_frame_requests: int = 0


class Outbound:
    """One outbound media line."""

    def __init__(self, line: MediaLine) -> None:
        self.counters = OutboundCounters()
        self.forwarder = Forwarder(line)
        self.history = History() if line.kind == "video" else None
        self._rtx_sequence = secrets.randbelow(1 << 15)

    @property
    def line(self) -> MediaLine:
        """What was agreed on."""
        return self.forwarder.line

    def agree(self, line: MediaLine) -> None:
        """Go on with what a later negotiation agreed on."""
        self.forwarder.agree(line)

    def packet(self, packet: RtpPacket, source: Source, inbound: Inbound, now_s: float) -> bytes | None:
        """Return what to send for an inbound packet, or None if it is not to be passed on."""
        codec = inbound.line.codecs.get(packet.payload_type, "")
        forwarded = self.forwarder.forward(packet, source, codec, inbound.line.extensions, now_s)
        if forwarded is None:
            return None
        if self.history is not None and forwarded.sequence_number in self.history:
            self.counters.duplicates += 1
            return None
        data = forwarded.write()
        self.keep(forwarded.sequence_number, len(forwarded.payload), data)
        return data

    def keep(self, sequence_number: int, octets: int, data: bytes | memoryview) -> None:
        """Count a packet that is about to be sent, and remember it for a while; `octets` are its payload's."""
        self.counters.packets += 1
        self.counters.octets += octets
        if self.history is not None:
            self.history.keep(sequence_number, bytes(data))

    def retransmit(self, sequence_numbers: Iterable[int], now_s: float) -> tuple[list[bytes], list[int]]:
        """Return (packets to send again, the source's numbers of those that never came this far)."""
        again: list[bytes] = []
        missing: list[int] = []
        if self.history is None:
            return again, missing
        for number in sequence_numbers:
            self.counters.nacked += 1
            try:
                packet = self.history.resend(number, now_s)
            except KeyError:
                upstream = self.forwarder.continuity.inbound_sequence(number)
                if upstream is not None:
                    missing.append(upstream)
                continue
            if packet is not None:
                again.append(self._as_rtx(packet).write())
        self.counters.retransmitted += len(again)
        return again, missing

    def sender_report(self, info: SenderInfo, source: Source) -> bytes | None:
        """Return the source's sender report as ours: same NTP time, so that sound and picture stay together."""
        if source != self.forwarder.source:
            return None
        ours = replace(
            info,
            ssrc=self.line.ssrcs[0],
            timestamp=self.forwarder.continuity.timestamp(info.timestamp),
            packets=self.counters.packets,
            octets=self.counters.octets,
        )
        return write_sender_report(ours, self.line.cname)

    def report_block(self, block: ReportBlock, ssrc: int) -> ReportBlock:
        """Return the receiver's report on this stream as its source `ssrc` must read it."""
        cumulative = block.lost & 0xFFFFFF
        self.counters.lost = cumulative if cumulative < 0x800000 else 0
        return at_sender(block, ssrc, self.forwarder.continuity.inbound_extended(block.highest_sequence))

    def _as_rtx(self, packet: RtpPacket) -> RtpPacket:
        """Return the packet wrapped as RTX if that was agreed on, else as it was."""
        payload_type = self.line.rtx_payload_type(packet.payload_type)
        rtx_ssrc = next(iter(self.line.rtx_ssrcs), None)
        if payload_type is None or rtx_ssrc is None:
            return packet
        self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
        payload = struct.pack("!H", packet.sequence_number) + packet.payload
        return replace(
            packet, payload_type=payload_type, ssrc=rtx_ssrc, sequence_number=self._rtx_sequence, payload=payload
        )
