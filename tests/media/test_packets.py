"""Packets across two legs."""

from __future__ import annotations

import struct

from server.media import rtcp
from server.media.description import MediaLine
from server.media.offer import OfferedLine
from server.media.rtp import RtpPacket
from tests.media.legs import VP8_KEY, Side, pair


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


def test_a_source_waited_for_is_asked_again():
    sender, receiver, clock = pair()
    for number in range(20):
        clock[0] += 0.1
        sender.video(number)
    assert receiver.transport.rtp == []
    assert 3 <= len(sender.transport.rtcp) <= 4


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
