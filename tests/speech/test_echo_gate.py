"""A voice that leaks into the other's microphone is heard once, and nobody's words are lost."""

import numpy as np
import pytest

from tests.speech.sound import RATE_HZ, noise, silence, tone
from tests.speech.voices import PORTION, Pair, Pcm, dialogue, lasting, leaking, loudness, spans

DELAYS_S = (0.0, 0.05, 0.1, 0.2)


def overlap_s(found: list[tuple[float, float]], start_s: float, end_s: float) -> float:
    return sum(max(0.0, min(end, end_s) - max(start, start_s)) for start, end in found)


def same_utterances(heard: Pcm, clean: Pcm) -> None:
    """Assert that the same utterances are found in both, a word's edge aside."""
    found, expected = spans(heard), spans(clean)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=0.2)


@pytest.mark.parametrize("delay_s", DELAYS_S)
def test_a_dialogue_that_leaks_both_ways_is_heard_as_if_it_did_not(delay_s: float) -> None:
    clean = clinician, patient = dialogue()
    leaked = leaking(clinician, patient, delay_s), leaking(patient, clinician, delay_s)
    pair = Pair().hear(*leaked)
    for which in (0, 1):
        assert lasting(spans(leaked[which])) > 1.5 * lasting(spans(clean[which]))
        same_utterances(pair.sound(which), clean[which])


@pytest.mark.parametrize(("level_db", "delay_s"), [(-6, 0.1), (-20, 0.1), (-12, 0.06 + 0.41 / RATE_HZ), (-12, 0.3)])
def test_other_levels_and_delays_between_samples_are_told_apart_too(level_db: float, delay_s: float) -> None:
    clinician, patient = dialogue()
    pair = Pair().hear(leaking(clinician, patient, delay_s, level_db), leaking(patient, clinician, delay_s, level_db))
    same_utterances(pair.sound(0), clinician)
    same_utterances(pair.sound(1), patient)


def test_a_leak_through_a_reverberant_room_is_no_voice() -> None:
    clinician, patient = dialogue()
    late = np.random.default_rng(5).normal(size=4000) * np.exp(-6.9 * np.arange(4000) / 4000)
    room = 0.6 * late / np.sqrt((late**2).sum())
    room[0] = 0.8
    echoed = np.convolve(clinician, room)[: len(clinician)].astype(np.float32)
    pair = Pair().hear(clinician, leaking(patient, np.tanh(3 * echoed) / 3, 0.12))
    same_utterances(pair.sound(1), patient)


def test_without_leakage_every_sample_passes_as_it_came() -> None:
    clinician, patient = dialogue()
    over = np.roll(patient, -2 * RATE_HZ)
    for second in (patient, over):
        pair = Pair().hear(clinician, second)
        assert np.array_equal(pair.sound(0), clinician)
        assert np.array_equal(pair.sound(1), second)
        times = [sound.start_s for sound in pair.passed[1]]
        assert times == pytest.approx([number * 0.02 for number in range(len(times))])
        assert pair.longest_hold_s <= 0.2


@pytest.mark.parametrize("delay_s", DELAYS_S)
def test_who_speaks_over_the_leak_stays(delay_s: float) -> None:
    clinician, patient = dialogue()
    over = np.roll(patient, -round(3.4 * RATE_HZ))
    pair = Pair().hear(leaking(clinician, over, delay_s), leaking(over, clinician, delay_s))
    for which, clean in ((0, clinician), (1, over)):
        found = spans(pair.sound(which))
        kept = sum(overlap_s(found, *span) for span in spans(clean))
        assert kept > 0.95 * lasting(spans(clean))
        assert lasting(found) < 1.15 * lasting(spans(clean))


@pytest.mark.parametrize("at_s", [9.6, 11.9])
def test_a_short_answer_during_or_right_after_the_others_words_stays(at_s: float) -> None:
    clinician, patient = dialogue()
    word = patient[round(4.75 * RATE_HZ) : round(5.15 * RATE_HZ)]
    answers = np.zeros_like(clinician)
    answers[round(at_s * RATE_HZ) :][: len(word)] = word
    pair = Pair().hear(clinician, leaking(answers, clinician, 0.1))
    [(start_s, end_s)] = spans(pair.sound(1))
    assert at_s - 0.2 < start_s < at_s + 0.1
    assert at_s + 0.3 < end_s < at_s + 0.7


def test_the_first_milliseconds_of_a_loud_voice_are_not_taken_for_the_leak_before_it() -> None:
    clinician, _ = dialogue()
    clinician, first = clinician[8 * RATE_HZ : 11 * RATE_HZ], round(2.19 * RATE_HZ)
    own = tone(3.0, hz=200.0, level=0.1)
    own[:first] = 0.0
    heard = Pair().hear(clinician, leaking(own, clinician, 0.1)).sound(1)
    start = slice(first, first + RATE_HZ // 200)
    assert loudness(heard[start] - own[start]) < 0.2 * loudness(own[start])


def test_the_rest_of_the_leak_beneath_a_voice_is_lessened() -> None:
    clinician, _ = dialogue()
    hum = noise(len(clinician) / RATE_HZ, 0.03)
    own = np.where(np.arange(len(hum)) > 9.5 * RATE_HZ, hum, 0.0).astype(np.float32)
    leaked = leaking(own, clinician, 0.1)
    part = slice(10 * RATE_HZ, 11 * RATE_HZ)
    heard = Pair().hear(clinician, leaked).sound(1)[part]
    assert loudness(heard - own[part]) < 0.7 * loudness(leaked[part] - own[part])


def test_a_voice_that_nothing_leaks_beneath_stays_to_the_sample() -> None:
    clinician, patient = dialogue()
    leaked = leaking(patient, clinician, 0.1)
    heard = Pair().hear(clinician, leaked).sound(1)
    part = slice(round(4.9 * RATE_HZ), round(7.6 * RATE_HZ))
    assert np.array_equal(heard[part], leaked[part])


def test_a_participant_alone_is_never_held_back() -> None:
    clinician, _ = dialogue()
    pair = Pair()
    for number in range(200):
        portion = clinician[number * PORTION : (number + 1) * PORTION]
        pair.push(0, portion, number * 0.02, number * 0.02)
    assert pair.longest_hold_s <= 0.0
    assert np.array_equal(np.concatenate([sound.samples for sound in pair.passed[0]]), clinician[: 200 * PORTION])


def test_somebody_who_left_is_not_waited_for() -> None:
    clinician, patient = dialogue()
    pair = Pair().hear(clinician[: 5 * RATE_HZ], patient[: 5 * RATE_HZ])
    for number in range(250, 500):
        portion = clinician[number * PORTION : (number + 1) * PORTION]
        pair.push(0, portion, number * 0.02, (number + 1) * 0.02)
    assert len(pair.passed[0]) == 500
    assert np.array_equal(pair.sound(0), clinician[: 10 * RATE_HZ])
    assert pair.longest_hold_s <= 0.32


@pytest.mark.parametrize("late_s", [0.04, 0.14, 0.28])
def test_a_voice_that_arrives_after_its_leak_is_waited_for(late_s: float) -> None:
    clinician, patient = dialogue()
    pair = Pair().hear(leaking(patient, clinician, 0.0), clinician, late_s=late_s)
    same_utterances(pair.sound(0), patient)
    assert pair.longest_hold_s <= late_s + 0.2


def test_once_the_delay_is_known_an_earlier_voice_is_not_waited_for() -> None:
    clinician, patient = dialogue()
    leaked = leaking(patient, clinician, 0.2)
    pair = Pair().hear(leaked, clinician, late_s=0.14)
    held = [sound.start_s for sound in pair.passed[0]]
    assert held == sorted(held)
    same_utterances(pair.sound(0), patient)


def test_another_delay_in_the_middle_is_found_again() -> None:
    clinician, patient = dialogue()
    half = 12 * RATE_HZ
    leaked = np.concatenate([leaking(patient, clinician, 0.05)[:half], leaking(patient, clinician, 0.18)[half:]])
    same_utterances(Pair().hear(clinician, leaked).sound(1), patient)


def test_who_comes_back_with_another_delay_is_told_apart_as_before() -> None:
    clinician, patient = dialogue()
    pair = Pair().hear(clinician, leaking(patient, clinician, 0.05))
    before = len(pair.sound(1))
    pair.hear(clinician, leaking(patient, clinician, 0.15), start_s=60.0)
    assert pair.passed[1][-1].start_s > 60.0
    same_utterances(pair.sound(1)[before:], patient)


def test_when_the_leak_is_gone_nothing_is_lost() -> None:
    clinician, patient = dialogue()
    leaked = leaking(patient, clinician, 0.1)
    pair = Pair().hear(np.concatenate([clinician, clinician]), np.concatenate([leaked, patient]))
    same_utterances(pair.sound(1)[len(leaked) :], patient)


def test_what_is_held_back_is_released_in_order() -> None:
    clinician, patient = dialogue()
    pair = Pair().hear(clinician, leaking(patient, clinician, 0.1))
    held = pair.gates[1].release()
    times = [sound.start_s for sound in (*pair.passed[1], *held)]
    assert len(times) == len(clinician) // PORTION
    assert times == sorted(times)
    assert pair.gates[1].release() == []


def test_portions_of_any_length_pass_whole() -> None:
    clinician, patient = dialogue()
    pair, at = Pair(), 0
    leaked = leaking(patient, clinician, 0.1)
    for length in (40, 320, 960, 1, 16_000, 80_000, 777):
        for which, sound in ((0, clinician), (1, leaked)):
            pair.push(which, sound[at : at + length], at / RATE_HZ, at / RATE_HZ)
        at += length
    assert len(pair.sound(1)) == len(pair.sound(0)) == at


def test_silence_beside_a_voice_stays_silence() -> None:
    clinician, _ = dialogue()
    pair = Pair().hear(clinician, silence(len(clinician) / RATE_HZ))
    assert not pair.sound(1).any()
