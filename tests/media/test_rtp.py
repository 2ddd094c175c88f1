"""Packets as bytes."""

from __future__ import annotations

import aiortc.rtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.rtp import Malformed, RtpPacket, parse_rtp, unwrap

one_byte_extensions = st.lists(
    st.tuples(st.integers(1, 14), st.binary(min_size=1, max_size=16)), max_size=4, unique_by=lambda pair: pair[0]
)
any_extensions = st.lists(
    st.tuples(st.integers(1, 255), st.binary(max_size=40)), max_size=4, unique_by=lambda pair: pair[0]
)
packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence_number=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=64),
    marker=st.booleans(),
    extensions=st.one_of(one_byte_extensions, any_extensions).map(tuple),
    padding=st.integers(0, 255),
)


@given(packets)
def test_what_is_written_reads_the_same(packet):
    assert parse_rtp(packet.write()) == packet


@given(packets)
def test_aiortc_reads_what_is_written(packet):
    theirs = aiortc.rtp.RtpPacket.parse(packet.write())
    assert (theirs.payload, theirs.padding_size) == (packet.payload, packet.padding)
    assert (theirs.sequence_number, theirs.timestamp, theirs.ssrc) == (
        packet.sequence_number,
        packet.timestamp,
        packet.ssrc,
    )
    assert (theirs.payload_type, bool(theirs.marker)) == (packet.payload_type, packet.marker)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_packet_or_malformed(data):
    try:
        packet = parse_rtp(data)
    except Malformed:
        return
    assert parse_rtp(packet.write()).payload == packet.payload


@given(packets, st.integers(0, 200), st.integers(0, 255))
def test_a_damaged_packet_is_a_packet_or_malformed(packet, place, value):
    data = bytearray(packet.write())
    data[place % len(data)] = value
    try:
        parse_rtp(bytes(data))
        parse_rtp(bytes(data[: place % len(data)]))
    except Malformed:
        pass


def test_csrcs_are_skipped():
    packet = RtpPacket(111, 7, 960, 5, b"opus").write()
    with_csrc = bytes((packet[0] | 2,)) + packet[1:12] + bytes(8) + packet[12:]
    assert parse_rtp(with_csrc).payload == b"opus"


@pytest.mark.parametrize("data", [b"", b"\x80" * 11, b"\x00" * 20, b"\xa0" + bytes(19), b"\x9f" + bytes(12)])
def test_what_is_too_short_or_of_another_version_is_malformed(data):
    with pytest.raises(Malformed):
        parse_rtp(data)


@given(st.integers(-(1 << 40), 1 << 40), st.integers(-0x8000, 0x7FFF))
def test_unwrap_finds_the_nearest_number(newest, step):
    assert unwrap((newest + step) & 0xFFFF, newest) == newest + step
