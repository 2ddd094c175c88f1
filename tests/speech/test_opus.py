"""What was lost is better recovered than concealed, and either better than cut out."""

from __future__ import annotations

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.opus.library import library
from server.opus.packet import MAX_PACKET_SAMPLES
from server.speech.opus import AvDecoder, LibraryDecoder, OpusDecoder, Undecodable
from tests.speech.sound import CLIPS, opus_of_tone

FRAME_TICKS, FRAME_SAMPLES = 960, 320
DECODERS = ["library", "av"]


def new_decoder(kind: str) -> OpusDecoder:
    opus = library()
    assert opus is not None, "PyAV's wheel brings libopus"
    return LibraryDecoder(opus) if kind == "library" else AvDecoder()


def speech(*, fec: bool) -> list[bytes]:
    """Return a clip as a browser sends it: 32 kbit/s in packets of 20 ms, with error correction where agreed on."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = 48_000, "mono", "flt", 32_000
    encoder.options = {"application": "voip", "fec": str(int(fec)), "packet_loss": "10"}
    resampler = av.AudioResampler("flt", "mono", 48_000, frame_size=FRAME_TICKS)
    payloads: list[bytes] = []
    with av.open(str(next(iter(sorted(CLIPS.glob("*.ogg")))))) as container:
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                payloads += [bytes(packet) for packet in encoder.encode(part)]
    return payloads


def heard(payloads: list[bytes], lost: set[int], kind: str = "library") -> np.ndarray:
    """Decode with the packets `lost` mended from the next."""
    decoder, parts = new_decoder(kind), []
    for number, payload in enumerate(payloads):
        if number in lost:
            continue
        if number - 1 in lost:
            parts.append(decoder.recover(payload, FRAME_TICKS))
        parts.append(decoder.decode(payload))
    return np.concatenate(parts)


def error_in(sound: np.ndarray, truth: np.ndarray, lost: set[int]) -> float:
    """Return the energy of the error in the lost packets' places, relative to what was said there."""
    places = np.concatenate([np.arange(n * FRAME_SAMPLES, (n + 1) * FRAME_SAMPLES) for n in sorted(lost)])
    return float(np.sum((sound[places] - truth[places]) ** 2) / np.sum(truth[places] ** 2))


def test_a_lost_packet_is_recovered_from_the_next():
    payloads = speech(fec=True)
    lost = set(range(10, len(payloads) - 1, 10))
    truth = heard(payloads, set())
    recovered = error_in(heard(payloads, lost), truth, lost)
    concealed = error_in(heard(speech(fec=False), lost), truth, lost)
    assert recovered < 0.5 * concealed


@pytest.mark.parametrize("kind", DECODERS)
def test_every_decoder_gives_a_loss_its_length_and_some_sound(kind):
    payloads = opus_of_tone(1.0)
    decoder = new_decoder(kind)
    for payload in payloads[:20]:
        decoder.decode(payload)
    mended = decoder.recover(payloads[22], 2 * FRAME_TICKS)
    assert len(mended) == pytest.approx(2 * FRAME_SAMPLES, abs=20)
    assert np.abs(mended).max() > 0.05


@pytest.mark.parametrize("kind", DECODERS)
@given(payload=st.binary(max_size=200), ticks=st.sampled_from([120, 960, 1920, 4800]))
def test_hostile_payloads_raise_one_error_or_none(kind, payload, ticks):
    decoder = new_decoder(kind)
    decoder.recover(payload, ticks)
    try:
        assert len(decoder.decode(payload)) <= MAX_PACKET_SAMPLES // 3
    except Undecodable:
        assert payload


def test_both_decoders_hear_the_same():
    payloads = opus_of_tone(2.0)
    spectra = []
    for kind in DECODERS:
        sound = heard(payloads, set(), kind)[8000:24_000]
        spectra.append(np.abs(np.fft.rfft(sound * np.hanning(len(sound)))))
    assert np.argmax(spectra[0]) == np.argmax(spectra[1])
    assert spectra[0].max() == pytest.approx(spectra[1].max(), rel=0.05)
