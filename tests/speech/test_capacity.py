"""What is advised of a model's pace, held against the scheduler itself with so many people talking."""

import random

import numpy as np
import pytest

from server.speech.capacity import GOAL_S, SMALL_COSTS, Pace, advice, final_after_s, most_speakers
from server.speech.port import Final
from tests.speech.slow_model import listen


def pace(interim_s: float, final_s: float) -> Pace:
    return Pace(interim_s, final_s, final_s)


def talk_of(speakers: int, seconds: float = 60.0) -> list[list[tuple[float, float]]]:
    """Return turns of people who go on speaking, each beginning at a moment of their own."""
    turns = []
    for number in range(speakers):
        chance = random.Random(number)
        own = [(0.0, chance.uniform(0.0, 4.0))]
        while sum(voice_s + pause_s for voice_s, pause_s in own) < seconds:
            own.append((chance.uniform(1.5, 6.0), chance.uniform(0.6, 1.4)))
        turns.append(own)
    return turns


def measured_s(monkeypatch: pytest.MonkeyPatch, known: Pace, speakers: int) -> float:
    """Return after how long nineteen of twenty finals were there."""
    talk = listen(monkeypatch, known, talk_of(speakers))
    late_s = [at_s - event.end_s for events in talk.events for at_s, event in events if isinstance(event, Final)]
    assert len(late_s) > 8 * speakers
    return float(np.quantile(late_s, 0.95))


PACES = [pace(0.16, 0.28), pace(0.25, 0.45), pace(0.5, 0.79)]


@pytest.mark.parametrize("known", PACES)
def test_as_many_speakers_as_are_advised_get_their_finals_in_time(monkeypatch: pytest.MonkeyPatch, known: Pace) -> None:
    speakers = most_speakers(known)
    assert speakers
    assert measured_s(monkeypatch, known, speakers) <= GOAL_S


@pytest.mark.parametrize("known", PACES)
def test_twice_as_many_and_one_more_do_not(monkeypatch: pytest.MonkeyPatch, known: Pace) -> None:
    assert measured_s(monkeypatch, known, 2 * most_speakers(known) + 1) > GOAL_S


@pytest.mark.parametrize("known", PACES)
def test_the_time_to_a_final_is_foretold_for_one_speaker_and_two(monkeypatch: pytest.MonkeyPatch, known: Pace) -> None:
    for speakers in (1, 2):
        assert measured_s(monkeypatch, known, speakers) == pytest.approx(final_after_s(known, speakers), rel=0.25)


def test_a_slower_model_never_bears_more() -> None:
    borne = [most_speakers(pace(0.02, 0.03).slower(times)) for times in np.linspace(1, 40, 100)]
    assert borne == sorted(borne, reverse=True)
    assert borne[-1] == 0


def test_batches_bear_more() -> None:
    assert most_speakers(Pace(0.1, 0.2, 0.05)) > most_speakers(Pace(0.1, 0.2, 0.2))


def test_the_advice_names_small_where_it_would_do() -> None:
    quick = pace(0.05, 0.09)
    told = advice(quick, reads_base=True)
    assert f"keep up with {most_speakers(quick)} people speaking at once" in told
    assert f"would keep up with {most_speakers(quick.slower(SMALL_COSTS))} people" in told
    assert "SPEECH_MODEL=small" in told
    assert "small" not in advice(quick, reads_base=False)


def test_the_advice_keeps_base_where_small_would_be_too_slow() -> None:
    told = advice(pace(0.2, 0.36), reads_base=True)
    assert "small would be too slow here: 1.88 s" in told
    assert "SPEECH_MODEL" not in told


def test_a_machine_that_is_too_slow_for_one_is_told_what_helps() -> None:
    told = advice(pace(0.6, 1.1), reads_base=True)
    assert "too slow for live captions" in told
    assert "1.90 s after the last word" in told
    assert "GPU" in told
    assert "smaller model" in advice(pace(0.6, 1.1), reads_base=False)


def test_one_speaker_at_a_time_is_told_as_such() -> None:
    assert "one person speaking at a time" in advice(pace(0.5, 0.79), reads_base=False)
