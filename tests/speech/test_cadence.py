"""When a running utterance is read again."""

from server.speech.cadence import Cadence
from server.speech.segmenter import WINDOW_S, Segment, windows
from server.speech.utterance import Utterance


def heard(seconds: float, voice_s: float | None = None) -> Segment:
    """Return an utterance that has gone on for so long, its voice to the end or to `voice_s`."""
    end = windows(seconds)
    return Segment(0, end, 0, end if voice_s is None else windows(voice_s), end, 0.9)


def first_due_s(cadence: Cadence, utterance: Utterance) -> float:
    """Return after how many seconds `utterance` is due."""
    return next(end * WINDOW_S for end in range(1, 400) if cadence.is_due(utterance, heard(end * WINDOW_S)))


def asked(cadence: Cadence, after_s: float) -> Utterance:
    """Return an utterance that was asked about once, after so long."""
    utterance = Utterance()
    utterance.asked_at = windows(after_s)
    return utterance


def test_the_first_reading_comes_sooner_than_those_after_it() -> None:
    cadence = Cadence()
    first_s = first_due_s(cadence, Utterance())
    assert 0.5 < first_s < 0.6
    assert 0.7 < first_due_s(cadence, asked(cadence, first_s)) - first_s < 0.8


def test_a_busy_model_is_asked_less_often_and_often_again_once_it_is_quick() -> None:
    cadence = Cadence()
    cadence.note(1.5)
    assert 2.9 < first_due_s(cadence, asked(cadence, 1.0)) - 1.0 < 3.1
    cadence.note(0.2)
    assert first_due_s(cadence, asked(cadence, 1.0)) - 1.0 < 0.8


def test_in_a_silence_nothing_is_due_and_after_it_only_what_holds_new_voice() -> None:
    cadence = Cadence()
    assert cadence.is_due(asked(cadence, 1.0), heard(3.0))
    assert not cadence.is_due(asked(cadence, 1.0), heard(3.0, voice_s=2.8))
    assert not cadence.is_due(Utterance(), heard(3.0, voice_s=2.8))
    assert not cadence.is_due(asked(cadence, 2.99), heard(3.74, voice_s=2.98))


def test_what_could_not_be_shown_is_read_again_soon_even_by_a_busy_model() -> None:
    cadence = Cadence()
    for took_s in (0.2, 2.0):
        cadence.note(took_s)
        utterance = asked(cadence, 1.0)
        cadence.hurry(utterance, heard(1.0))
        assert 0.2 < first_due_s(cadence, utterance) - 1.0 < 0.4
