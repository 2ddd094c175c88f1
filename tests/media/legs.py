"""Two legs, with a transport that only writes down."""

from __future__ import annotations

from server.media import rtcp
from server.media.aiortc_seam import WireCounters
from server.media.control import ControlPath
from server.media.description import MID, MediaLine
from server.media.leg import Leg
from server.media.offer import OfferedLine
from server.media.packets import PacketPath
from server.media.rtp import RtpPacket, parse_rtp
from server.media.srtp_seam import packet_buffer
from server.media.tap import Tap
from tests.media.browser import Listener

VP8_KEY, VP8_DELTA = b"\x10\x00key", b"\x10\x01delta"


class WrittenDown:
    """A transport."""

    def __init__(self) -> None:
        self.connected = True
        self.counters = WireCounters()
        self.rtp: list[RtpPacket] = []
        self.rtcp: list[rtcp.Message] = []

    def send_rtp(self, data: bytes) -> bool:
        self.rtp.append(parse_rtp(data))
        return True

    def send_in_place(self, octets: int) -> bool:
        view = packet_buffer().view
        sent = self.send_rtp(bytes(view[:octets]))
        view[12:octets] = bytes(octets - 12)  # encrypted
        return sent

    def send_rtcp(self, data: bytes) -> bool:
        self.rtcp.extend(rtcp.parse_rtcp(data))
        return True


class Side:
    """One browser's leg. Its own streams are `base`+1 (audio), +2 (video), +3 (RTX); ours to it +11, +12, +13."""

    def __init__(self, base: int, clock: list[float], *, declared: bool = True, rtx: bool = True) -> None:
        self.base, self.transport, self.listener = base, WrittenDown(), Listener()
        now_s = lambda: clock[0]  # noqa: E731
        tap = Tap(self.listener)
        self.leg = Leg(base, self.transport, now_s)
        self.packets = PacketPath(self.leg, tap, now_s)
        self.control = ControlPath(self.leg, tap, now_s)
        video_rtx = {97: 96} if rtx else {}
        lines = (
            MediaLine("audio", "a", {111: "opus"}, extensions={1: MID}, ssrcs=(base + 11,), cname="us"),
            MediaLine(
                "video", "v", {96: "VP8"}, video_rtx, {1: MID}, (base + 12,), {base + 13: base + 12} if rtx else {}
            ),
        )
        ssrcs = (lambda *numbers: tuple(base + n for n in numbers)) if declared else (lambda *numbers: ())
        offered = (
            OfferedLine("audio", "a", ssrcs(1), {}),
            OfferedLine("video", "v", ssrcs(2), {base + 3: base + 2} if declared else {}),
        )
        self.leg.agree(lines, offered)

    def video(self, number: int, payload: bytes = VP8_DELTA, timestamp: int = 0) -> None:
        self.packets.take(RtpPacket(96, number & 0xFFFF, timestamp, self.base + 2, payload).write())

    def audio(self, number: int, timestamp: int = 0, payload: bytes = b"opus") -> None:
        self.packets.take(RtpPacket(111, number, timestamp, self.base + 1, payload).write())

    def feedback(self, data: bytes) -> None:
        self.control.take(data)


def pair(**options) -> tuple[Side, Side, list[float]]:
    clock = [100.0]
    sender, receiver = Side(1000, clock, **options), Side(2000, clock, **options)
    sender.leg.listen_to(receiver.leg)
    receiver.leg.listen_to(sender.leg)
    sender.transport.rtcp.clear()
    receiver.transport.rtcp.clear()
    return sender, receiver, clock
