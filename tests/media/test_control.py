"""Feedback across two legs."""

from __future__ import annotations

import struct

from server.media import rtcp
from server.media.rtp import RtpPacket
from tests.media.legs import VP8_DELTA, VP8_KEY, Side, pair

NTP = 0xE000_0000_8000_0000


def test_listening_asks_for_a_key_frame_at_once():
    clock = [0.0]
    sender, receiver = Side(1000, clock), Side(2000, clock)
    receiver.leg.listen_to(sender.leg)
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


def test_what_is_lost_on_the_way_here_is_asked_for_unasked():
    sender, receiver, clock = pair()
    sender.video(65_535, VP8_KEY)
    sender.video(2)
    for _ in range(3):
        clock[0] += 0.01
        sender.video(3)
    assert sender.transport.rtcp == [rtcp.Nack(1002, (0, 1))]
    sender.packets.take(RtpPacket(97, 9, 0, 1003, struct.pack("!H", 0) + VP8_DELTA).write())
    assert [packet.sequence_number for packet in receiver.transport.rtp][-1] == (
        receiver.transport.rtp[0].sequence_number + 1
    )


def test_what_both_miss_is_asked_for_once():
    sender, receiver, clock = pair()
    sender.video(1, VP8_KEY)
    sender.video(3)
    lost = (receiver.transport.rtp[0].sequence_number + 1) & 0xFFFF
    receiver.feedback(rtcp.write_nack(7, 2012, (lost,)))
    clock[0] += 0.02
    sender.video(4)
    assert sender.transport.rtcp == [rtcp.Nack(1002, (2,))]


def test_after_a_blackout_either_way_a_key_frame_is_asked_for_instead_of_all_that_was_lost():
    sender, receiver, clock = pair()
    sender.video(0, VP8_KEY)
    sender.video(1)
    clock[0] += 5.0
    sender.video(300)
    assert sender.transport.rtcp == [rtcp.KeyFrameRequest(1002)]
    sender.transport.rtcp.clear()
    for number in range(301, 500):
        sender.video(number, VP8_KEY)
    sent = len(receiver.transport.rtp)
    clock[0] += 5.0
    lost = tuple(packet.sequence_number for packet in receiver.transport.rtp[-150:])
    receiver.feedback(rtcp.write_nack(7, 2012, lost))
    assert sender.transport.rtcp == [rtcp.KeyFrameRequest(1002)]
    assert len(receiver.transport.rtp) == sent


def test_a_publisher_alone_is_reported_to_until_somebody_listens():
    sender, receiver, clock = pair()
    receiver.leg.listen_to(None)
    for number in range(150):
        clock[0] += 0.01
        sender.video(number)
    assert [type(message) for message in sender.transport.rtcp] == [rtcp.Reports, rtcp.MaximumBitrate]
    sender.transport.rtcp.clear()
    receiver.leg.listen_to(sender.leg)
    for number in range(150, 400):
        clock[0] += 0.01
        sender.video(number, VP8_KEY)
    assert set(map(type, sender.transport.rtcp)) == {rtcp.KeyFrameRequest}


def test_nobody_asks_for_lost_pictures_that_nobody_sees():
    sender, receiver, clock = pair()
    receiver.leg.listen_to(None)
    for number in (1, 5, 6, 7):
        clock[0] += 0.05
        sender.video(number, VP8_KEY)
    assert not any(isinstance(message, rtcp.Nack) for message in sender.transport.rtcp)


def test_requests_about_other_streams_go_nowhere():
    sender, receiver, clock = pair()
    clock[0] += 10
    receiver.feedback(rtcp.write_pli(7, 1002) + rtcp.write_nack(7, 9, (1,)))
    assert sender.transport.rtcp == []


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
