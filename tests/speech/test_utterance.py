"""What was shown as settled stays in the final, to the letter."""

import pytest

from server.model.transcript import Word
from server.speech.pcm import SampleClock
from server.speech.recogniser import Hypothesis
from server.speech.segmenter import Segment
from server.speech.utterance import Utterance

SEGMENT = Segment(start=0, end=100, speech_start=10, speech_end=80, voiced=70, mean_probability=0.9)
CLOCK = SampleClock()
CLOCK.anchor(0, 0.0)


@pytest.fixture
def utterance() -> Utterance:
    """Return one that has settled "estou com"."""
    utterance = Utterance()
    for text in ("estou com dor de cabeça", "estou com dor de cabeça forte"):
        interim = utterance.interim_of(Hypothesis(text, language="pt"), SEGMENT, CLOCK)
    assert interim.text[: interim.settled_chars] == "estou com"
    return utterance


def test_a_final_that_is_not_plausible_still_says_what_had_settled(utterance: Utterance) -> None:
    final = utterance.final_of(None, SEGMENT, CLOCK)
    assert (final.text, final.language) == ("estou com", "pt")
    assert [word.text for word in final.words] == ["estou", "com"]
    assert final.start_s <= final.words[0].start_s < final.words[1].start_s < final.end_s


def test_a_final_that_contradicts_a_settled_word_keeps_it_and_says_the_rest(utterance: Utterance) -> None:
    words = tuple(
        Word(text=text, start_s=n * 0.5, end_s=n * 0.5 + 0.4) for n, text in enumerate(("Estou", "sem", "dor."))
    )
    final = utterance.final_of(Hypothesis("Estou sem dor.", words, "pt"), SEGMENT, CLOCK)
    assert final.text == "estou com dor."
    assert [word.text for word in final.words] == ["estou", "com", "dor."]


def test_with_nothing_settled_an_empty_final_withdraws_what_was_shown() -> None:
    utterance = Utterance()
    utterance.interim_of(Hypothesis("obrigado", language="pt"), SEGMENT, CLOCK)
    assert utterance.final_of(None, SEGMENT, CLOCK).text == ""
