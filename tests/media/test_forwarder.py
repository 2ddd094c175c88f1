"""Continuity and rewriting."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.media.description import ABS_SEND_TIME, AUDIO_LEVEL, MID, MediaLine
from server.media.forwarder import Continuity, Forwarder
from server.media.rtp import RtpPacket

u16, u32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
first_sequences = st.integers(0, 0x7FFF)
VP8_KEY, VP8_DELTA = b"\x10\x00key", b"\x10\x01delta"
AUDIO = MediaLine("audio", "a", {111: "opus"}, extensions={1: MID, 2: AUDIO_LEVEL}, ssrcs=(1000,))
VIDEO = MediaLine("video", "v", {96: "VP8", 102: "H264/1/42e0"}, extensions={3: ABS_SEND_TIME, 1: MID}, ssrcs=(2000,))


@given(first_sequences, u32, u16, u32, st.lists(st.integers(1, 500), max_size=200))
def test_gaps_are_kept_across_every_wrap_around(first_out, first_timestamp, sequence, timestamp, steps):
    continuity = Continuity(48_000, first_out, first_timestamp)
    continuity.switch(sequence, timestamp, 0.0)
    assert continuity.rewrite(sequence, timestamp, 0.0) == (first_out, first_timestamp)
    travelled = 0
    for step in steps:
        travelled += step
        rewritten = continuity.rewrite((sequence + travelled) & 0xFFFF, (timestamp + 960 * travelled) & 0xFFFFFFFF, 0.0)
        assert rewritten == ((first_out + travelled) & 0xFFFF, (first_timestamp + 960 * travelled) & 0xFFFFFFFF)


@given(first_sequences, u16, st.permutations(range(1, 40)))
def test_reordering_is_kept(first_out, sequence, order):
    continuity = Continuity(90_000, first_out, 0)
    continuity.switch(sequence, 0, 0.0)
    continuity.rewrite(sequence, 0, 0.0)
    for place in order:
        rewritten = continuity.rewrite((sequence + place) & 0xFFFF, 3000 * place, 0.0)
        assert rewritten == ((first_out + place) & 0xFFFF, 3000 * place)


@given(st.lists(st.tuples(u16, u32, st.integers(1, 50), st.floats(0.001, 60)), min_size=2, max_size=20))
def test_a_new_source_continues_the_numbers_and_the_time(sources):
    continuity = Continuity(48_000, 100, 500)
    now_s, last_s, expected_sequence, last_timestamp = 10.0, 0.0, 100, None
    for sequence, timestamp, count, pause_s in sources:
        now_s += pause_s
        continuity.switch(sequence, timestamp, now_s)
        for place in range(count):
            rewritten = continuity.rewrite(
                (sequence + place) & 0xFFFF, (timestamp + 960 * place) & 0xFFFFFFFF, now_s + 0.02 * place
            )
            assert rewritten is not None
            assert rewritten[0] == expected_sequence & 0xFFFF
            expected_sequence += 1
            if place == 0 and last_timestamp is not None:
                step = (rewritten[1] - last_timestamp) & 0xFFFFFFFF
                assert step == round(max(0.01, now_s - last_s) * 48_000)
            last_timestamp, last_s = rewritten[1], now_s + 0.02 * place
        now_s = last_s


@given(u16, st.integers(1, 0x7FFF))
def test_what_is_older_than_its_source_never_takes_a_number_of_the_source_before(sequence, behind):
    continuity = Continuity(48_000, 100, 0)
    continuity.switch(sequence, 0, 0.0)
    assert continuity.rewrite((sequence - behind) & 0xFFFF, 0, 0.0) is None


@given(first_sequences, u16, st.lists(st.integers(1, 300), min_size=1, max_size=100))
def test_outbound_numbers_lead_back_to_the_source(first_out, sequence, steps):
    continuity = Continuity(90_000, first_out, 0)
    continuity.switch((sequence - 9) & 0xFFFF, 0, 0.0)
    continuity.rewrite((sequence - 9) & 0xFFFF, 0, 0.0)
    continuity.switch(sequence, 0, 1.0)
    out, _ = continuity.rewrite(sequence, 0, 1.0)
    travelled = 0
    for step in steps:
        travelled += step
        newest, _ = continuity.rewrite((sequence + travelled) & 0xFFFF, 0, 1.0)
        assert continuity.inbound_sequence(newest) == (sequence + travelled) & 0xFFFF
        assert continuity.inbound_sequence((newest + 1) & 0xFFFF) is None
    if travelled < 0x7000:
        assert continuity.inbound_sequence(out) == sequence
        assert continuity.inbound_sequence((out - 1) & 0xFFFF) is None


def test_the_first_number_leaves_room_for_losses_before_the_first_wrap():
    for _ in range(200):
        forwarder = Forwarder(AUDIO)
        sent = forwarder.forward(RtpPacket(96, 65535, 0, 1, b"x"), (1, 1), "opus", {}, 0.0)
        assert sent.sequence_number < 32768


def test_a_packet_gets_our_ssrc_payload_type_mid_and_extension_numbers():
    forwarder = Forwarder(AUDIO, 10, 20)
    packet = RtpPacket(
        96, 7, 3, 1, b"opus", marker=True, extensions=((5, b"\x88"), (6, b"0"), (9, b"unknown")), padding=4
    )
    sent = forwarder.forward(packet, (1, 1), "opus", {5: AUDIO_LEVEL, 6: MID, 9: "urn:other"}, 0.0)
    assert sent == RtpPacket(111, 10, 20, 1000, b"opus", marker=True, extensions=((2, b"\x88"), (1, b"a")), padding=4)


def test_abs_send_time_passes_as_it_is_and_padding_only_packets_too():
    forwarder = Forwarder(VIDEO, 0, 0)
    uris = {7: ABS_SEND_TIME}
    forwarder.forward(RtpPacket(96, 1, 0, 1, VP8_KEY), (1, 1), "VP8", uris, 0.0)
    sent = forwarder.forward(
        RtpPacket(96, 2, 0, 1, b"", extensions=((7, b"\x01\x02\x03"),), padding=224), (1, 1), "VP8", uris, 0.0
    )
    assert (sent.sequence_number, sent.padding, sent.extensions) == (1, 224, ((3, b"\x01\x02\x03"),))


def test_a_video_source_begins_with_a_key_frame():
    forwarder = Forwarder(VIDEO, 50, 0)
    for number in range(3):
        assert forwarder.forward(RtpPacket(96, number, 0, 1, VP8_DELTA), (1, 1), "VP8", {}, 0.0) is None
    assert forwarder.forward(RtpPacket(96, 3, 0, 1, VP8_KEY), (1, 1), "VP8", {}, 0.0).sequence_number == 50
    assert forwarder.forward(RtpPacket(96, 4, 0, 1, VP8_DELTA), (1, 1), "VP8", {}, 0.0).sequence_number == 51
    assert forwarder.forward(RtpPacket(96, 900, 0, 2, VP8_DELTA), (2, 2), "VP8", {}, 1.0) is None
    assert forwarder.forward(RtpPacket(96, 901, 0, 2, VP8_KEY), (2, 2), "VP8", {}, 1.0).sequence_number == 52
    assert forwarder.counters.awaiting_key_frame == 4


def test_a_codec_the_other_side_lacks_is_counted_and_not_sent():
    forwarder = Forwarder(AUDIO, 0, 0)
    assert forwarder.forward(RtpPacket(0, 1, 0, 1, b"x"), (1, 1), "pcmu", {}, 0.0) is None
    assert forwarder.counters.no_codec == 1


def test_h264_of_another_profile_serves_when_its_own_is_missing():
    baseline = MediaLine("video", "v", {98: "VP8", 120: "H264/1/4200", 121: "H264/0/42e0"}, ssrcs=(1,))
    assert baseline.payload_type("H264/1/42e0") == 120
    assert baseline.payload_type("H264/0/42e0") == 121
    assert VIDEO.payload_type("H264/0/4200") is None
