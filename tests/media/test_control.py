"""Packets and feedback across two legs, with a transport that only writes down."""

from __future__ import annotations

import struct

from server.media import rtcp
from server.media.aiortc_seam import WireCounters
from server.media.control import ControlPath
from server.media.description import MID, MediaLine
from server.media.leg import Leg
from server.media.offer import OfferedLine
from server.media.packets import PacketPath
from server.media.rtp import RtpPacket, parse_rtp
from server.media.tap import Tap
from tests.media.browser import Listener

VP8_KEY, VP8_DELTA = b"\x10\x00key", b"\x10\x01delta"
NTP = 0xE000_0000_8000_0000


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


def test_listening_asks_for_a_key_frame_at_once():
    clock = [0.0]
    sender, receiver = Side(1000, clock), Side(2000, clock)
    receiver.leg.listen_to(sender.leg)
    assert sender.transport.rtcp == [rtcp.KeyFrameRequest(1002)]


def test_a_browser_not_connected_yet_is_asked_for_nothing_and_sent_nothing():
    clock = [0.0]
    sender, receiver = Side(1000, clock), Side(2000, clock)
    receiver.transport.connected = False
    receiver.leg.listen_to(sender.leg)
    sender.audio(1)
    assert sender.transport.rtcp == []
    assert receiver.transport.rtp == []
    receiver.transport.connected = True
    receiver.leg.on_connected()
    assert sender.transport.rtcp == [rtcp.KeyFrameRequest(1002)]


def test_key_frame_requests_reach_the_publisher_at_most_twice_a_second():
    sender, receiver, clock = pair()
    sender.video(1, VP8_KEY)
    for _ in range(20):
        clock[0] += 0.1
        receiver.feedback(rtcp.write_pli(7, 2012))
        sender.video(2)
    assert 3 <= len(sender.transport.rtcp) <= 4
    assert set(sender.transport.rtcp) == {rtcp.KeyFrameRequest(1002)}


def test_a_request_too_early_is_sent_with_a_later_packet():
    sender, receiver, clock = pair()
    receiver.feedback(rtcp.write_pli(7, 2012))
    clock[0] += 0.6
    sender.video(1, VP8_KEY)
    assert sender.transport.rtcp == [rtcp.KeyFrameRequest(1002)]


def test_requests_about_other_streams_go_nowhere():
    sender, receiver, clock = pair()
    clock[0] += 10
    receiver.feedback(rtcp.write_pli(7, 1002) + rtcp.write_nack(7, 9, (1,)))
    assert sender.transport.rtcp == []


def test_a_source_waited_for_is_asked_again():
    sender, receiver, clock = pair()
    for number in range(20):
        clock[0] += 0.1
        sender.video(number)
    assert receiver.transport.rtp == []
    assert 3 <= len(sender.transport.rtcp) <= 4


def test_what_was_sent_is_retransmitted_as_rtx():
    sender, receiver, _ = pair()
    sender.video(1, VP8_KEY)
    sender.video(2)
    first, second = receiver.transport.rtp
    receiver.feedback(rtcp.write_nack(7, 2012, (second.sequence_number,)))
    again = receiver.transport.rtp[2]
    assert (again.payload_type, again.ssrc, again.timestamp) == (97, 2013, second.timestamp)
    assert again.payload == struct.pack("!H", second.sequence_number) + second.payload
    assert first.ssrc == 2012
    assert sender.transport.rtcp == []


def test_without_rtx_the_packet_itself_is_sent_again():
    sender, receiver, _ = pair(rtx=False)
    sender.video(1, VP8_KEY)
    receiver.feedback(rtcp.write_nack(7, 2012, (receiver.transport.rtp[0].sequence_number,)))
    assert receiver.transport.rtp[0] == receiver.transport.rtp[1]


def test_what_never_came_is_asked_upstream_once_and_forwarded_late():
    sender, receiver, clock = pair()
    sender.video(65535, VP8_KEY)
    sender.video(1)
    missing = (receiver.transport.rtp[0].sequence_number + 1) & 0xFFFF
    for _ in range(3):
        receiver.feedback(rtcp.write_nack(7, 2012, (missing,)))
    assert sender.transport.rtcp == [rtcp.Nack(1002, (0,))]
    clock[0] += 0.05
    original = RtpPacket(97, 500, 0, 1003, struct.pack("!H", 0) + b"\x10\x01late")
    sender.packets.take(original.write())
    late = receiver.transport.rtp[2]
    assert (late.sequence_number, late.payload_type, late.payload) == (missing, 96, b"\x10\x01late")
    sender.packets.take(original.write())
    assert len(receiver.transport.rtp) == 3
    assert receiver.leg.kind_stats("video").duplicates == 1


def test_rtx_probes_are_swallowed():
    sender, receiver, _ = pair()
    sender.packets.take(RtpPacket(97, 1, 0, 1003, b"", padding=200).write())
    assert receiver.transport.rtp == []
    assert sender.leg.kind_stats("video").ignored_in == 1


def test_a_sender_report_keeps_its_wall_time_and_moves_with_the_stream():
    sender, receiver, _ = pair()
    sender.audio(1, timestamp=5000)
    sent = receiver.transport.rtp[0]
    sender.feedback(rtcp.write_sender_report(rtcp.SenderInfo(1001, NTP, 5480, 10, 999), "them"))
    (report,) = receiver.transport.rtcp
    assert report == rtcp.SenderInfo(2011, NTP, (sent.timestamp + 480) & 0xFFFFFFFF, 1, 4)
    (told,) = sender.listener.reports
    assert (told.ssrc, told.timestamp, told.ntp_s) == (1001, 5480, 0xE000_0000 + 0.5)


def test_a_sender_report_of_a_source_not_sent_yet_waits():
    sender, receiver, _ = pair()
    sender.feedback(rtcp.write_sender_report(rtcp.SenderInfo(1002, NTP, 1, 1, 1), "them"))
    assert receiver.transport.rtcp == []


def test_a_receivers_report_and_bitrate_reach_the_sender_in_its_own_numbers():
    sender, receiver, _ = pair()
    sender.video(700, VP8_KEY)
    highest = receiver.transport.rtp[0].sequence_number
    block = rtcp.ReportBlock(2012, 0x10000003, highest, 55, 0x00008000, 77)
    receiver.feedback(rtcp.write_receiver_report(2002, (block, rtcp.ReportBlock(9, 0, 0, 0, 0, 0))))
    receiver.feedback(rtcp.write_remb(2002, rtcp.MaximumBitrate(3, 70_000, (2012,))))
    reports, remb = sender.transport.rtcp
    assert reports == rtcp.Reports(1011, (rtcp.ReportBlock(1002, 0x10000003, 700, 55, 0x00008000, 77),))
    assert remb == rtcp.MaximumBitrate(3, 70_000, (1002,))


def test_a_goodbye_is_swallowed_and_the_next_source_continues():
    sender, receiver, clock = pair()
    sender.audio(1, timestamp=100)
    sender.feedback(bytes.fromhex("81cb0001") + struct.pack("!L", 1001))
    assert receiver.transport.rtcp == []
    assert sender.leg.inbound["audio"].idle
    returned = Side(3000, clock)
    clock[0] += 2.0
    receiver.leg.listen_to(returned.leg)
    returned.audio(60_000, timestamp=9)
    before, after = receiver.transport.rtp
    assert (after.ssrc, after.sequence_number) == (before.ssrc, (before.sequence_number + 1) & 0xFFFF)
    assert (after.timestamp - before.timestamp) & 0xFFFFFFFF == 96_000
    sender.audio(2, timestamp=1060)
    assert len(receiver.transport.rtp) == 2


def test_opus_reaches_the_tap_as_it_came_and_silence_of_padding_does_not():
    sender, _, clock = pair()
    sender.audio(9, timestamp=960)
    sender.audio(8, timestamp=0)
    sender.audio(10, payload=b"")
    assert [(p.sequence_number, p.timestamp, p.payload) for p in sender.listener.audio] == [
        (9, 960, b"opus"),
        (8, 0, b"opus"),
    ]
    assert sender.packets.last_rtp_s == clock[0]


def test_a_listener_that_fails_stops_nothing():
    sender, receiver, _ = pair()

    def fail(packet):
        raise RuntimeError("disk on fire")

    sender.listener.on_audio = fail
    sender.audio(1)
    sender.audio(2)
    assert len(receiver.transport.rtp) == 2


def test_streams_not_offered_are_ignored_and_undeclared_ones_latch():
    sender, receiver, _ = pair()
    sender.packets.take(RtpPacket(111, 1, 0, 4242, b"intruder").write())
    sender.packets.take(RtpPacket(126, 1, 0, 1001, b"unknown type").write())
    assert receiver.transport.rtp == []
    assert sender.packets.unknown == 1
    sender, receiver, clock = pair(declared=False)
    sender.packets.take(RtpPacket(111, 1, 0, 4242, b"first").write())
    sender.packets.take(RtpPacket(111, 1, 0, 4343, b"second").write())
    assert [packet.payload for packet in receiver.transport.rtp] == [b"first"]
    clock[0] += 1.5
    sender.packets.take(RtpPacket(111, 1, 0, 4343, b"second").write())
    assert [packet.payload for packet in receiver.transport.rtp] == [b"first", b"second"]


def test_malformed_datagrams_are_counted():
    sender, _, _ = pair()
    sender.packets.take(b"\x80\x6f")
    sender.feedback(b"\x80\xc8\x00\xff")
    assert (sender.packets.malformed, sender.control.malformed) == (1, 1)


def test_a_browser_that_only_receives_gets_everything_and_one_that_only_sends_nothing():
    clock = [0.0]
    sender, receiver = Side(1000, clock), Side(2000, clock)
    only_sends = MediaLine("audio", "a", {111: "opus"}, ssrcs=(1011,), sending=False)
    sender.leg.agree((only_sends,), (OfferedLine("audio", "a", (1001,), {}),))
    sender.leg.listen_to(receiver.leg)
    receiver.leg.listen_to(sender.leg)
    receiver.audio(1)
    sender.audio(1)
    assert sender.transport.rtp == []
    assert len(receiver.transport.rtp) == 1


def test_parting_leaves_nobody_listening():
    sender, receiver, _ = pair()
    sender.leg.part()
    sender.audio(1)
    receiver.audio(1)
    assert sender.transport.rtp == receiver.transport.rtp == []
