import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.opus.packet import packet_samples, silence
from server.recording.ogg import PRE_SKIP, SHORTEST, OggOpusWriter, checksum

from .ogg_reader import read_pages, slow_checksum
from .sound import bursts, encode, read_sound

BEGIN, END = 2, 4


def muxed(pieces: list[tuple[int, bytes]], samples: int, channels: int = 1) -> bytes:
    content = bytearray()
    stream = OggOpusWriter(content.extend, serial=77, channels=channels, title="consultation-1 patient")
    for piece in pieces:
        stream.add(*piece)
    stream.close(samples)
    return bytes(content)


@given(st.binary(max_size=600))
def test_the_checksum_is_that_of_the_specification(content):
    assert checksum(content) == slow_checksum(content)


def test_headers_say_what_a_player_needs():
    head, tags, *_ = read_pages(muxed(silence(960), 0, channels=2))
    assert head.packets == [struct.pack("<8sBBHIhB", b"OpusHead", 1, 2, PRE_SKIP, 48_000, 0, 0)]
    assert (head.flags, head.granule, tags.flags, tags.granule) == (BEGIN, 0, 0, 0)
    assert tags.packets[0].startswith(b"OpusTags\x06\x00\x00\x00Escuta\x01\x00\x00\x00")
    assert tags.packets[0].endswith(b"TITLE=consultation-1 patient")


def test_granules_count_every_packet_and_the_last_page_trims():
    pieces = [(len(payload) and 960, payload) for payload in encode(bursts(10.0, [1.0, 5.0]))]
    samples = 10 * 48_000 - PRE_SKIP - 300
    pages = read_pages(muxed(pieces, samples))
    assert [page.number for page in pages] == list(range(len(pages)))
    assert {page.serial for page in pages} == {77}
    assert all(page.checksum == slow_checksum(page.content) for page in pages)
    assert [packet for page in pages[2:] for packet in page.packets] == [packet for _, packet in pieces]
    counted = 0
    for page in pages[2:]:
        counted += sum(map(packet_samples, page.packets))
        assert page.granule == (counted if page is not pages[-1] else samples + PRE_SKIP)
        assert page.flags == (END if page is pages[-1] else 0)
        assert len(page.packets) <= 50


@pytest.mark.parametrize("length", [254, 255, 256, 510, 1_275])
def test_packets_of_any_length_keep_their_bounds(length):
    packet = b"\xf8" + bytes(length - 1)
    pages = read_pages(muxed([(960, packet)] * 120, 120 * 960 - PRE_SKIP))
    assert [one for page in pages[2:] for one in page.packets] == [packet] * 120


@pytest.mark.parametrize("samples", [0, 1, 119, 960, 48_000, 123_457])
def test_a_player_hears_exactly_as_long_as_asked(tmp_path, samples):
    ticks = -(-max(samples + PRE_SKIP, SHORTEST) // 120)
    path = tmp_path / "silence.ogg"
    path.write_bytes(muxed(silence(ticks * 120), samples))
    assert len(read_sound(path)) == samples
