"""Short answers pass, what the model makes up does not; and no word is on a list."""

import pytest

from server.speech.plausibility import VoiceEvidence, is_loop, is_plausible
from server.speech.recogniser import Hypothesis

CLEAR = VoiceEvidence(voiced_s=1.5, mean_probability=0.95)


@pytest.mark.parametrize("text", ["Sim.", "Não.", "dor", "Obrigado.", "Tá.", "É"])
def test_a_short_answer_with_a_clear_voice_is_kept(text: str) -> None:
    evidence = VoiceEvidence(voiced_s=0.3, mean_probability=0.9)
    assert is_plausible(Hypothesis(text, average_log_probability=-0.7, no_speech_probability=0.2), evidence)


def test_an_unsure_reading_is_kept_for_a_clear_voice_alone() -> None:
    unsure = Hypothesis("Não!", average_log_probability=-1.5, no_speech_probability=0.2)
    assert is_plausible(unsure, VoiceEvidence(voiced_s=0.35, mean_probability=0.9))
    assert not is_plausible(unsure, VoiceEvidence(voiced_s=0.35, mean_probability=0.8))
    assert not is_plausible(unsure, VoiceEvidence(voiced_s=0.2, mean_probability=0.9))
    silent = Hypothesis("Não!", average_log_probability=-1.5, no_speech_probability=0.5)
    assert not is_plausible(silent, VoiceEvidence(voiced_s=0.35, mean_probability=0.9))


def test_an_unsure_reading_of_a_weak_voice_is_dropped() -> None:
    weak = VoiceEvidence(voiced_s=0.2, mean_probability=0.55)
    assert not is_plausible(Hypothesis("Obrigado.", average_log_probability=-1.0, no_speech_probability=0.8), weak)


def test_more_letters_than_anybody_can_say_are_dropped() -> None:
    short = VoiceEvidence(voiced_s=0.3, mean_probability=0.9)
    text = "legendas pela comunidade de tradutores voluntários"
    assert not is_plausible(Hypothesis(text, average_log_probability=-0.3), short)


def test_a_loop_and_mere_punctuation_are_dropped() -> None:
    assert not is_plausible(Hypothesis("dor dor dor dor", looped=True), CLEAR)
    assert not is_plausible(Hypothesis(" ... "), CLEAR)


def test_repeated_tokens_are_a_loop_and_repeated_words_in_passing_are_not() -> None:
    assert is_loop("a", [1, 2, 3, 9, 9, 9, 9, 9])
    assert is_loop("b", [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5])
    assert not is_loop("não, não, não", [7, 1, 7, 1, 7])
    assert not is_loop("c", list(range(40)))


def test_text_that_packs_too_well_is_a_loop() -> None:
    assert is_loop("ela aperta e piora " * 8, [])
    assert not is_loop("Vou pedir um eletrocardiograma e um exame de sangue ainda hoje.", [])
