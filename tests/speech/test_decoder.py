"""Packets in any order and with holes become sound at the right room time."""

import itertools
import random

import numpy as np
import pytest

from server.model.audio import OpusPacket
from server.speech.decoder import PacketDecoder, Sound, opus_ticks
from tests.speech.sound import opus_of_tone, packets


def seconds(sounds: list[Sound]) -> float:
    return sum(len(sound.samples) for sound in sounds) / 16_000


def decode(received: list[OpusPacket], decoder: PacketDecoder | None = None) -> list[Sound]:
    decoder = decoder or PacketDecoder()
    return [*(sound for packet in received for sound in decoder.push(packet)), *decoder.release()]


def test_a_second_of_packets_is_a_second_of_sound() -> None:
    sounds = decode(packets(opus_of_tone(1.0), start_s=5.0))
    assert seconds(sounds) == pytest.approx(1.0, abs=0.005)
    assert sounds[0].start_s == pytest.approx(5.0, abs=0.002)
    assert sounds[-1].start_s == pytest.approx(5.98, abs=0.002)


def test_reordered_packets_sound_as_sent() -> None:
    sent = packets(opus_of_tone(1.0))
    swapped = list(sent)
    for place in range(4, 44, 4):
        swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
    straight = np.concatenate([sound.samples for sound in decode(sent)])
    mended = np.concatenate([sound.samples for sound in decode(swapped)])
    assert np.array_equal(straight, mended)


def test_duplicates_are_heard_once() -> None:
    decoder = PacketDecoder()
    sounds = decode([packet for packet in packets(opus_of_tone(1.0)) for _ in range(2)], decoder)
    assert seconds(sounds) == pytest.approx(1.0, abs=0.005)
    assert decoder.stats.duplicates == 50


def test_a_short_loss_is_concealed() -> None:
    sent = packets(opus_of_tone(1.0))
    decoder = PacketDecoder()
    sounds = decode(sent[:20] + sent[22:], decoder)
    assert seconds(sounds) == pytest.approx(1.0, abs=0.005)
    concealed = np.concatenate([sound.samples for sound in sounds])[20 * 320 : 22 * 320]
    assert np.abs(concealed).max() > 0.05
    assert decoder.stats.lost == 2


def test_a_long_loss_leaves_the_times_of_what_follows_right() -> None:
    sent = packets(opus_of_tone(2.0))
    sounds = decode(sent[:20] + sent[70:])
    assert seconds(sounds) == pytest.approx(1.0, abs=0.005)
    late = [sound.start_s for sound in sounds if sound.start_s > 0.5]
    assert late[0] == pytest.approx(70 * 0.02, abs=0.003)


def test_random_loss_keeps_every_time_right() -> None:
    chance = random.Random(3)
    sent = packets(opus_of_tone(4.0), start_s=1.0)
    sounds = decode([packet for packet in sent if chance.random() > 0.1])
    for before, after in itertools.pairwise(sounds):
        assert after.start_s - before.start_s == pytest.approx(len(before.samples) / 16_000, abs=0.002)


def test_a_packet_that_comes_far_too_late_is_left_out() -> None:
    sent = packets(opus_of_tone(1.0))
    decoder = PacketDecoder()
    decode([*sent[:5], *sent[6:40], sent[5]], decoder)
    assert decoder.stats.late == 1


def test_sequence_numbers_and_timestamps_wrap() -> None:
    sounds = decode(packets(opus_of_tone(3.0), first=65_500))
    assert seconds(sounds) == pytest.approx(3.0, abs=0.005)


def test_a_new_ssrc_begins_anew() -> None:
    payloads = opus_of_tone(1.0)
    sounds = decode(packets(payloads, ssrc=1) + packets(payloads, ssrc=2, first=9, start_s=3.0))
    assert seconds(sounds) == pytest.approx(2.0, abs=0.01)
    assert any(sound.start_s == pytest.approx(3.0, abs=0.003) for sound in sounds)


def test_a_new_connection_with_the_same_ssrc_begins_anew() -> None:
    payloads = opus_of_tone(1.0)
    decoder = PacketDecoder()
    first = decode(packets(payloads, first=60_000), decoder)
    assert decoder.new_connection() == []
    second = decode(packets(payloads, first=7, start_s=4.0), decoder)
    assert seconds(first) + seconds(second) == pytest.approx(2.0, abs=0.01)
    assert second[0].start_s == pytest.approx(4.0, abs=0.003)


def test_hostile_payloads_neither_raise_nor_stop_what_follows() -> None:
    chance = random.Random(5)
    decoder = PacketDecoder()
    payloads = [b"", b"\xff", b"\x03", b"\x03\x00", *(chance.randbytes(chance.randrange(1, 200)) for _ in range(200))]
    decode(packets(payloads), decoder)
    after = decode(packets(opus_of_tone(1.0), first=100 + len(payloads), start_s=30.0), decoder)
    assert seconds(after) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(
    ("payload", "ticks"),
    [
        (b"", 0),
        (b"\x78", 960),
        (b"\x79ab", 1920),
        (b"\x7b\x03abc", 2880),
        (b"\x7b", 0),
        (b"\x00", 480),
        (b"\x18", 2880),
        (b"\x60", 480),
        (b"\xe0", 120),
        (b"\xf8\xff\xfe", 960),
    ],
)
def test_the_duration_stands_in_the_first_byte(payload: bytes, ticks: int) -> None:
    assert opus_ticks(payload) == ticks
