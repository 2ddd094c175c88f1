"""RTCP, against aiortc's as a second opinion."""

from __future__ import annotations

import contextlib

import aiortc.rtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media import rtcp
from server.media.rtp import Malformed

u16, u32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
blocks = st.builds(rtcp.ReportBlock, u32, u32, u32, u32, u32, u32)


def theirs(data: bytes):
    return aiortc.rtp.RtcpPacket.parse(data)


@given(u32, st.lists(blocks, min_size=1, max_size=31).map(tuple))
def test_receiver_reports_read_the_same(ssrc, found):
    data = rtcp.write_receiver_report(ssrc, found)
    assert rtcp.parse_rtcp(data) == [rtcp.Reports(ssrc, found)]
    (packet,) = theirs(data)
    assert [report.highest_sequence for report in packet.reports] == [block.highest_sequence for block in found]


@given(
    st.builds(rtcp.SenderInfo, u32, st.integers(0, (1 << 64) - 1), u32, st.integers(0, 1 << 40), u32),
    st.text("abcdef-{}", max_size=60),
)
def test_sender_reports_carry_their_name(info, cname):
    data = rtcp.write_sender_report(info, cname)
    (read,) = rtcp.parse_rtcp(data)
    assert (read.ssrc, read.ntp, read.timestamp, read.packets) == (
        info.ssrc,
        info.ntp,
        info.timestamp,
        info.packets & 0xFFFFFFFF,
    )
    report, names = theirs(data)
    assert report.sender_info.ntp_timestamp == info.ntp
    assert (names.chunks[0].ssrc, names.chunks[0].items) == (info.ssrc, [(1, cname.encode())])


@given(u32, u32, st.lists(u16, min_size=1, max_size=40, unique=True))
def test_nacks_name_every_packet(sender, ssrc, numbers):
    (nack,) = rtcp.parse_rtcp(rtcp.write_nack(sender, ssrc, tuple(sorted(numbers))))
    assert nack.ssrc == ssrc
    assert sorted(nack.sequence_numbers) == sorted(numbers)


def test_a_nack_across_the_wrap_takes_one_entry():
    data = rtcp.write_nack(1, 2, (65534, 65535, 0, 3))
    assert len(data) == 16
    assert rtcp.parse_rtcp(data) == [rtcp.Nack(2, (65534, 65535, 0, 3))]


@given(u32, st.integers(0, 63), st.integers(0, (1 << 18) - 1), st.lists(u32, max_size=4).map(tuple))
def test_remb_passes_exactly(sender, exponent, mantissa, ssrcs):
    remb = rtcp.MaximumBitrate(exponent, mantissa, ssrcs)
    data = rtcp.write_remb(sender, remb)
    assert rtcp.parse_rtcp(data) == [remb]
    assert aiortc.rtp.unpack_remb_fci(theirs(data)[0].fci) == (mantissa << exponent, list(ssrcs))


def test_pli_fir_and_bye_are_understood():
    fir = bytes.fromhex("84ce0004") + bytes(8) + (77).to_bytes(4, "big") + b"\x01\x00\x00\x00"
    bye = bytes(aiortc.rtp.RtcpByePacket(sources=[5, 6]))
    compound = rtcp.write_pli(1, 42) + fir + bye
    assert rtcp.parse_rtcp(compound) == [rtcp.KeyFrameRequest(42), rtcp.KeyFrameRequest(77), rtcp.Goodbye((5, 6))]


def test_unknown_kinds_are_left_out():
    extended_report = bytes.fromhex("80cf0001") + bytes(4)
    assert rtcp.parse_rtcp(extended_report + rtcp.write_pli(1, 2)) == [rtcp.KeyFrameRequest(2)]


@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_malformed(data):
    with contextlib.suppress(Malformed):
        rtcp.parse_rtcp(data)


@given(st.sampled_from([200, 201, 202, 203, 205, 206]), st.integers(0, 31), st.integers(0, 30), st.binary(max_size=120))
def test_lying_counts_and_lengths_are_read_or_malformed(kind, count, words, body):
    body = body[: 4 * words]
    with contextlib.suppress(Malformed):
        rtcp.parse_rtcp(bytes((0x80 | count, kind, 0, words)) + body)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",
        bytes.fromhex("80c80006") + bytes(8),
        bytes.fromhex("8fce0003") + bytes(8) + b"REMB",
        bytes.fromhex("a0c90001000000ff"),
        bytes.fromhex("80cb0000") * 100 + bytes.fromhex("85cb0000"),
    ],
)
def test_messages_shorter_than_they_say_are_malformed(data):
    with pytest.raises(Malformed):
        rtcp.parse_rtcp(data)
