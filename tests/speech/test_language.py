"""Told, or detected once and then fixed."""

from server.speech.language import LanguageChoice
from server.speech.recogniser import Hypothesis


def detected(**probabilities: float) -> Hypothesis:
    return Hypothesis("…", languages=tuple(probabilities.items()))


def test_a_told_language_is_kept_whatever_is_heard() -> None:
    choice = LanguageChoice("pt-BR")
    choice.heard(detected(en=0.99), 30.0)
    assert choice.fixed == "pt"


def test_auto_means_that_it_is_to_be_detected() -> None:
    assert LanguageChoice("auto").fixed is None
    assert LanguageChoice(None).fixed is None


def test_two_clear_seconds_fix_the_language() -> None:
    choice = LanguageChoice(None)
    choice.heard(detected(en=0.9, pt=0.05), 1.0)
    assert choice.fixed is None
    choice.heard(detected(en=0.9, pt=0.05), 1.5)
    assert choice.fixed == "en"
    choice.heard(detected(pt=1.0), 60.0)
    assert choice.fixed == "en"


def test_a_doubtful_language_waits_for_more_voice() -> None:
    choice = LanguageChoice(None)
    choice.heard(detected(gl=0.5, pt=0.45), 3.0)
    assert choice.fixed is None
    choice.heard(detected(pt=0.8, gl=0.15), 6.0)
    assert choice.fixed == "pt"
