import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.opus.packet import (
    MAX_PACKET_BYTES,
    TICK_SAMPLES,
    concealment,
    frame_samples,
    packet_samples,
    silence,
)
from server.recording.pcm import Decoder
from tests.recording.sound import bursts, encode

SILK_10_MS, SILK_60_MS, CELT_2_5_MS, CELT_20_MS = 0x40, 0x58, 0xE0, 0xF8


@pytest.mark.parametrize("packet_ms", [10, 20, 40, 60])
def test_what_libopus_encodes_has_the_length_it_was_asked_for(packet_ms):
    for payload in encode(bursts(1.0, [0.3]), packet_ms):
        assert packet_samples(payload) == packet_ms * 48


@pytest.mark.parametrize(
    ("payload", "samples"),
    [
        (bytes((SILK_10_MS,)) + b"abc", 480),
        (bytes((SILK_60_MS,)), 2_880),
        (bytes((CELT_2_5_MS,)) + b"x", 120),
        (bytes((CELT_20_MS | 1,)) + b"abab", 1_920),
        (bytes((CELT_20_MS | 2, 1)) + b"abbb", 1_920),
        (bytes((CELT_20_MS | 2, 252, 1)) + b"a" * 256 + b"b", 1_920),
        (bytes((CELT_20_MS | 3, 3)) + b"aabbcc", 2_880),
        (bytes((CELT_20_MS | 3, 0x80 | 3, 1, 2)) + b"abbcccc", 2_880),
        (bytes((CELT_20_MS | 3, 0x40 | 2, 2)) + b"aabb" + bytes(2), 1_920),
        (bytes((CELT_2_5_MS | 3, 48)) + b"a" * 48, 5_760),
    ],
)
def test_each_way_of_framing_is_read(payload, samples):
    assert packet_samples(payload) == samples


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        bytes((CELT_20_MS,)) + b"a" * 1_276,
        bytes((CELT_20_MS | 1,)) + b"aba",
        bytes((CELT_20_MS | 2,)),
        bytes((CELT_20_MS | 2, 5)) + b"abc",
        bytes((CELT_20_MS | 2, 252)),
        bytes((CELT_20_MS | 3,)),
        bytes((CELT_20_MS | 3, 0)),
        bytes((CELT_20_MS | 3, 7)) + b"a" * 7,
        bytes((CELT_20_MS | 3, 2)) + b"aaa",
        bytes((CELT_20_MS | 3, 0x40 | 1)),
        bytes((CELT_20_MS | 3, 0x40 | 1, 9)) + b"abc",
        bytes((CELT_20_MS | 3, 0x80 | 2, 9)) + b"abc",
        bytes((CELT_20_MS,)) + bytes(MAX_PACKET_BYTES),
    ],
)
def test_a_broken_packet_has_no_length(payload):
    assert packet_samples(payload) == 0


@given(st.binary(max_size=400))
def test_a_packet_that_has_a_length_decodes_to_it(payload):
    samples = packet_samples(payload)
    assert samples % TICK_SAMPLES == 0
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "mono"
    if not payload:
        return
    try:
        decoded = sum(frame.samples for frame in decoder.decode(av.Packet(payload)))
    except av.FFmpegError:
        decoded = 0
    assert decoded == samples


@pytest.mark.parametrize("ticks", [0, 1, 2, 3, 7, 8, 9, 100])
def test_silence_lasts_as_long_as_asked_and_is_silent(ticks):
    decoder = Decoder()
    pieces = silence(ticks * TICK_SAMPLES)
    assert sum(samples for samples, _ in pieces) == ticks * TICK_SAMPLES
    for samples, packet in pieces:
        assert packet_samples(packet) == samples
        assert decoder.decode(samples, packet) == bytes(2 * samples)


@given(st.integers(0, 255))
def test_a_concealed_frame_has_the_length_of_the_frames_it_stands_for(toc):
    samples, packet = concealment(toc)
    assert samples == packet_samples(packet) == frame_samples(toc)
    assert Decoder().decode(samples, packet) is not None
