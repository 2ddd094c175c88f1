"""Key frames told from payload bytes, against libvpx and x264 as aiortc packs them."""

from __future__ import annotations

import fractions

import numpy as np
import pytest
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from server.media.keyframe import starts_key_frame


@pytest.mark.parametrize(("codec", "encoder"), [("VP8", Vp8Encoder), ("H264/1/42e0", H264Encoder)])
def test_real_key_frames_are_told_from_the_rest(codec, encoder):
    encode = encoder().encode
    noise = np.random.default_rng(1)
    key_frames = []
    for index in range(6):
        frame = VideoFrame.from_ndarray(noise.integers(0, 255, (240, 320, 3), dtype=np.uint8), format="rgb24")
        frame.pts, frame.time_base = index * 3000, fractions.Fraction(1, 90_000)
        payloads, _ = encode(frame, index == 3)
        starts = [starts_key_frame(codec, payload) for payload in payloads]
        key_frames.append(starts[0])
        if codec == "VP8":
            assert not any(starts[1:])
    assert key_frames == [True, False, False, True, False, False]


@given(st.binary(max_size=12), st.sampled_from(["VP8", "H264/1/42e0", "opus"]))
def test_any_bytes_get_an_answer(payload, codec):
    assert starts_key_frame(codec, payload) in (True, False)


def test_every_form_of_the_vp8_descriptor_is_read():
    assert starts_key_frame("VP8", b"\x90\xf0\x81\x02\x03\x04\x00")
    assert starts_key_frame("VP8", b"\x90\x80\x01\x00")
    assert not starts_key_frame("VP8", b"\x90\x80\x01\x01")
    assert not starts_key_frame("VP8", b"\x80\x80\x01\x00")
    assert not starts_key_frame("VP8", b"\x91\x80\x01\x00")
    assert not starts_key_frame("VP8", b"\x90\xf0\x81")
