"""The way of RTCP: feedback of one browser to the one whose media it is about, sender reports along with the media."""

from __future__ import annotations

from collections.abc import Callable

from ..model.audio import SenderReport
from .gaps import HOPELESS
from .inbound import Inbound
from .leg import Leg
from .outbound import Outbound
from .rtcp import (
    Goodbye,
    KeyFrameRequest,
    MaximumBitrate,
    Message,
    Nack,
    ReportBlock,
    Reports,
    SenderInfo,
    parse_rtcp,
    write_receiver_report,
    write_remb,
)
from .rtp import Malformed
from .tap import Tap

NTP_SECOND = 1 << 32
MAX_BLOCKS = 31


class ControlPath:
    """Takes one leg's RTCP."""

    def __init__(self, leg: Leg, tap: Tap, now_s: Callable[[], float]) -> None:
        self.malformed = 0
        self._leg = leg
        self._tap = tap
        self._now_s = now_s

    def take(self, data: bytes) -> None:
        """Take a decrypted RTCP compound from the browser."""
        try:
            messages = parse_rtcp(data)
        except Malformed:
            self.malformed += 1
            return
        for message in messages:
            self._handle(message)

    def _handle(self, message: Message) -> None:
        match message:
            case SenderInfo():
                self._sender_report(message)
            case Reports():
                self._reports(message)
            case Nack():
                self._nack(message)
            case KeyFrameRequest():
                video = self._leg.outbound.get("video")
                if self._leg.source is not None and video is not None and message.ssrc in video.line.ssrcs:
                    video.counters.key_frame_requests += 1
                    self._leg.source.request_key_frame()
            case MaximumBitrate():
                self._maximum_bitrate(message)
            case Goodbye():
                # Not passed on: the seat's next connection continues these streams.
                for inbound in self._leg.inbound.values():
                    inbound.idle = inbound.idle or inbound.ssrc in message.ssrcs

    def _sender_report(self, info: SenderInfo) -> None:
        self._leg.alone.sender_report(info.ssrc, info.ntp, self._now_s())
        for kind, inbound in self._leg.inbound.items():
            if inbound.ssrc != info.ssrc:
                continue
            if kind == "audio":
                self._tap.report(SenderReport(info.ssrc, info.ntp / NTP_SECOND, info.timestamp, self._now_s()))
            for listener in self._leg.listeners:
                outbound = listener.outbound.get(kind)
                if outbound is not None:
                    listener.send_rtcp(outbound.sender_report(info, (self._leg.number, info.ssrc)))

    def _reports(self, reports: Reports) -> None:
        blocks: list[ReportBlock] = []
        for block in reports.blocks:
            for outbound, inbound in self._crossings():
                if block.ssrc == outbound.line.ssrcs[0] and inbound.ssrc is not None:
                    blocks.append(outbound.report_block(block, inbound.ssrc))
        source = self._leg.source
        if blocks and source is not None:
            source.send_rtcp(write_receiver_report(source.feedback_ssrc(), tuple(blocks[:MAX_BLOCKS])))

    def _nack(self, nack: Nack) -> None:
        now_s = self._now_s()
        for outbound in self._leg.outbound.values():
            if nack.ssrc != outbound.line.ssrcs[0]:
                continue
            if len(nack.sequence_numbers) >= HOPELESS and self._leg.source is not None:
                self._leg.source.request_key_frame()
                return
            again, missing = outbound.retransmit(nack.sequence_numbers, now_s)
            for data in again:
                self._leg.transport.send_rtp(data)
            source = self._leg.source
            inbound = source.inbound.get(outbound.line.kind) if source is not None else None
            if missing and source is not None and inbound is not None:
                source.send_rtcp(inbound.missing(missing, now_s))

    def _maximum_bitrate(self, remb: MaximumBitrate) -> None:
        ssrcs = tuple(
            inbound.ssrc
            for outbound, inbound in self._crossings()
            if outbound.line.ssrcs[0] in remb.ssrcs and inbound.ssrc is not None
        )
        source = self._leg.source
        if ssrcs and source is not None:
            mapped = MaximumBitrate(remb.exponent, remb.mantissa, ssrcs)
            source.send_rtcp(write_remb(source.feedback_ssrc(), mapped))

    def _crossings(self) -> list[tuple[Outbound, Inbound]]:
        """Return what is sent to this browser beside what it comes from."""
        source = self._leg.source
        if source is None:
            return []
        return [(out, source.inbound[kind]) for kind, out in self._leg.outbound.items() if kind in source.inbound]
