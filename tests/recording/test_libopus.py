"""libopus by itself and through FFmpeg decode alike; by itself it also finds lost sound again."""

import av
import numpy as np
import pytest

from server.model.consultation import Role
from server.opus.library import library
from server.recording.libopus import OpusDecoder
from server.recording.pcm import Decoder, FfmpegDecoder
from server.recording.render import finalize_now

from .sound import Leg, bursts, encode, onsets, read_sound


def encode_with_fec(sound: np.ndarray) -> list[bytes]:
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = 48_000, "mono", "s16", 24_000
    codec.options = {"application": "voip", "fec": "1", "packet_loss": "20"}
    codec.open()
    packets = []
    for begin in range(0, len(sound) - 959, 960):
        frame = av.AudioFrame.from_ndarray(sound[None, begin : begin + 960], "s16", "mono")
        frame.sample_rate = 48_000
        packets += [bytes(packet) for packet in codec.encode(frame)]
    return packets


def voice(duration_s: float) -> np.ndarray:
    """Something like a vowel, so that the encoder takes it for speech."""
    time_s = np.arange(round(duration_s * 48_000)) / 48_000
    sound = sum(np.sin(2 * np.pi * 140 * harmonic * time_s) / harmonic for harmonic in range(1, 20))
    return (6_000 * sound * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time_s))).astype(np.int16)


@pytest.mark.parametrize("packet_ms", [10, 20, 60])
def test_both_decoders_give_the_same_sound(packet_ms):
    opus = library()
    assert opus is not None
    ours, ffmpegs = OpusDecoder(opus), FfmpegDecoder()
    samples = packet_ms * 48
    packets = encode(bursts(2.0, [0.5, 1.0]), packet_ms)
    for packet in [*packets[:20], b"\xff\x7f", *packets[21:]]:
        one, other = ours.decode(samples, packet), ffmpegs.decode(samples, packet)
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            apart = np.frombuffer(one, "<i2").astype(int) - np.frombuffer(other, "<i2")
            assert np.abs(apart).max() <= 1


def test_without_a_library_of_its_own_it_decodes_through_ffmpeg(monkeypatch):
    monkeypatch.setattr("server.recording.pcm.library", lambda: None)
    decoder = Decoder()
    sounds = [decoder.decode(960, packet) for packet in encode(bursts(1.0, [0.3]))]
    assert onsets(np.frombuffer(b"".join(sounds), "<i2")) == pytest.approx([0.3065], abs=0.005)
    assert len(decoder.recover(960, encode(bursts(0.1, []))[0])) == 1920


async def test_a_lost_packet_is_found_again_in_the_one_after_it(folder, record):
    sent = voice(3.0)
    packets = Leg().packets(encode_with_fec(sent))
    lost = range(20, 120, 7)
    await record({Role.PATIENT: [[one for index, one in enumerate(packets) if index not in lost]]}, 3.2)
    finalize_now(folder)
    whole = read_sound(folder / "patient.wav").astype(float)
    plain = Decoder()
    complete = np.frombuffer(b"".join(plain.decode(960, one.payload) for one in packets), "<i2").astype(float)
    concealing = Decoder()
    guessed = [
        concealing.decode(960, packets[index - 1].payload[:1] if index in lost else one.payload)
        for index, one in enumerate(packets)
    ]
    guessed = np.frombuffer(b"".join(guessed), "<i2").astype(float)
    first = round(0.03 * 48_000) // 120 * 120 - 312
    heard = whole[first : first + len(complete)]

    def error(sound: np.ndarray) -> float:
        return sum(
            float(np.square(sound[960 * at : 960 * at + 960] - complete[960 * at : 960 * at + 960]).sum())
            for at in lost
        )

    assert error(heard) < 0.6 * error(guessed)
