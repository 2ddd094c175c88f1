"""One browser's streams: those it sends, those it is sent, who listens to it and whom it listens to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from .alone import Alone
from .description import Kind, MediaLine
from .inbound import Inbound
from .offer import OfferedLine
from .outbound import Outbound
from .rtp import RtpPacket
from .stats import KindStats
from .transport import Transport


class ShortWay(Protocol):
    """What is kept in `Leg.lanes`, by payload type: `lane.Lane`."""

    quiet: bool

    @property
    def current(self) -> bool:
        """What it was made for still holds."""

    def forward(self, octets: int, now_s: float) -> bool:
        """Send the packet of that length in the buffer on its way, or refuse it."""

    def settle(self, now_s: float) -> None:
        """Bring what others look at up to date."""

    def resume(self) -> None:
        """Go on by itself."""

    def end(self, now_s: float) -> None:
        """Settle for the last time."""


class Leg:
    """The state that packets and feedback of one connection meet in. `number` is unique in the process."""

    def __init__(self, number: int, transport: Transport, now_s: Callable[[], float]) -> None:
        self.number = number
        self.transport = transport
        self.inbound: dict[Kind, Inbound] = {}
        self.outbound: dict[Kind, Outbound] = {}
        self.by_payload_type: dict[int, Inbound] = {}
        self.source: Leg | None = None
        self.listeners: list[Leg] = []
        self.lanes: dict[int, ShortWay] = {}
        self.alone = Alone()
        self.now_s = now_s

    def agree(self, lines: Iterable[MediaLine], offered: Iterable[OfferedLine]) -> None:
        """Go on with what a negotiation agreed on; streams that exist keep their numbers."""
        by_mid = {line.mid: line for line in offered}
        for line in lines:
            if line.kind in self.inbound:
                self.inbound[line.kind].agree(line, by_mid[line.mid])
            else:
                self.inbound[line.kind] = Inbound(line, by_mid[line.mid])
            if not line.sending:
                self.outbound.pop(line.kind, None)
            elif line.kind in self.outbound:
                self.outbound[line.kind].agree(line)
            else:
                self.outbound[line.kind] = Outbound(line)
        self.by_payload_type = {
            payload_type: inbound
            for inbound in self.inbound.values()
            for payload_type in (*inbound.line.codecs, *inbound.line.rtx)
        }
        self._close_lanes()

    def listen_to(self, source: Leg | None) -> None:
        """Take what `source` sends from now on; it is asked for a key frame at once."""
        if source is self.source:
            return
        self._close_lanes()
        if self.source is not None:
            self.source.listeners.remove(self)
        self.source = source
        self._close_lanes()
        if source is not None:
            source.listeners.append(self)
            self._begin_with_key_frame()

    def on_connected(self) -> None:
        """Packets can pass: what is sent here begins with a key frame."""
        self._begin_with_key_frame()

    def request_key_frame(self, *, urgent: bool = False) -> None:
        """Ask this browser for a key frame; `urgent` passes the rate limit."""
        video = self.inbound.get("video")
        if video is not None and self.transport.connected:
            self.settle()
            self.send_rtcp(video.key_frame_request(self.now_s(), urgent=urgent))
            self.resume()

    def part(self) -> None:
        """Listen to nobody, and be listened to by nobody."""
        self.listen_to(None)
        for listener in list(self.listeners):
            listener.listen_to(None)
        for outbound in self.outbound.values():
            if outbound.history is not None:
                outbound.history.forget()

    def send_rtcp(self, data: bytes | None) -> None:
        """Send feedback to this browser, if there is any."""
        if data is not None:
            self.transport.send_rtcp(data)

    def feedback_ssrc(self) -> int:
        """Return the SSRC of ours that this browser knows feedback by."""
        return next(iter(self.inbound.values())).line.ssrcs[0]

    def settle(self) -> None:
        """Bring counters and numbers up to date with what short ways did by themselves."""
        now_s = self.now_s()
        for lane in self._lanes():
            lane.settle(now_s)

    def resume(self) -> None:
        """Let short ways go on by themselves, with what is true now."""
        for lane in self._lanes():
            lane.resume()

    def _lanes(self) -> list[ShortWay]:
        return [*self.lanes.values(), *(self.source.lanes.values() if self.source is not None else ())]

    def heard_alone(self, kind: Kind, packet: RtpPacket, now_s: float) -> None:
        """Take a packet that nobody listens to, and report on it from time to time."""
        self.alone.heard(kind, packet.ssrc, (packet.sequence_number, packet.timestamp), now_s)
        self.send_rtcp(self.alone.due(self.feedback_ssrc(), now_s))

    def kind_stats(self, kind: Kind) -> KindStats:
        """Return the counters of one kind."""
        self.settle()
        inbound, outbound = self.inbound.get(kind), self.outbound.get(kind)
        if inbound is None:
            return KindStats()
        received = inbound.counters
        sent = outbound.counters if outbound is not None else None
        held = outbound.forwarder.counters if outbound is not None else None
        return KindStats(
            packets_in=received.packets,
            bytes_in=received.octets,
            retransmitted_in=received.retransmitted,
            ignored_in=received.ignored,
            key_frame_requests=received.key_frame_requests,
            nacked=received.nacked,
            missed=inbound.missed,
            packets_out=sent.packets if sent else 0,
            bytes_out=sent.octets if sent else 0,
            retransmitted_out=sent.retransmitted if sent else 0,
            duplicates=sent.duplicates if sent else 0,
            no_codec=held.no_codec if held else 0,
            late=held.late if held else 0,
            awaiting_key_frame=held.awaiting_key_frame if held else 0,
            lost_in=inbound.lost,
            lost_out=sent.lost if sent else 0,
            nacked_out=sent.nacked if sent else 0,
            key_frame_requests_out=sent.key_frame_requests if sent else 0,
        )

    def _close_lanes(self) -> None:
        """End short ways from and to this browser: what they build on changes."""
        now_s = self.now_s()
        for leg in (self, self.source):
            if leg is not None:
                for lane in leg.lanes.values():
                    lane.end(now_s)
                leg.lanes.clear()

    def _begin_with_key_frame(self) -> None:
        # Not before this browser can receive it: encoders ignore a second request within 300 ms.
        if self.source is not None and self.transport.connected:
            self.source.request_key_frame(urgent=True)
