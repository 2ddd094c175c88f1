"""What was shown as settled stays in the final, to the letter."""

import pytest

from server.model.transcript import Word
from server.speech.pcm import SampleClock
from server.speech.recogniser import Hypothesis
from server.speech.segmenter import Segment
from server.speech.utterance import Rest, Utterance

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


def timed(text: str, begins_s: float = 0.0) -> Hypothesis:
    """Return a reading whose words last 0.5 s each, side by side."""
    words = tuple(
        Word(text=word, start_s=begins_s + 0.5 * n, end_s=begins_s + 0.5 * n + 0.5)
        for n, word in enumerate(text.split())
    )
    return Hypothesis(text, words, "pt")


@pytest.fixture
def far() -> Utterance:
    """Return one that has settled "estou com dor no peito", 2.5 s of it."""
    utterance = Utterance()
    for _ in range(2):
        utterance.interim_of(timed("estou com dor no peito"), SEGMENT, CLOCK)
    assert utterance.settled == "estou com dor no peito"
    return utterance


def test_what_has_settled_is_not_read_again_but_for_two_words(far: Utterance) -> None:
    rest = far.rest(final=False)
    assert (rest.start_s, rest.settled) == (1.5, "no peito")
    assert [word.text for word in rest.before] == ["estou", "com", "dor"]
    assert far.rest(final=True) == rest


def test_a_reading_of_the_rest_goes_on_where_the_whole_one_would(far: Utterance) -> None:
    rest = far.rest(final=False)
    whole = rest.whole(timed("no peito há três dias"))
    assert whole == timed("estou com dor no peito há três dias")
    far.interim_of(whole, SEGMENT, CLOCK)
    final = far.final_of(far.rest(final=True).whole(timed("no peito há três dias e piora")), SEGMENT, CLOCK)
    assert final.text == "estou com dor no peito há três dias e piora"
    assert [word.end_s for word in final.words[:3]] == [0.5, 1.0, 1.5]


def test_a_rest_in_which_nothing_more_is_heard_leaves_what_had_settled(far: Utterance) -> None:
    rest = far.rest(final=True)
    assert rest.whole(Hypothesis("", language="pt")).text == "estou com dor"
    assert far.final_of(rest.whole(Hypothesis("", language="pt")), SEGMENT, CLOCK).text == "estou com dor no peito"


def test_all_is_read_while_little_has_settled_or_nobody_knows_when(utterance: Utterance) -> None:
    assert utterance.rest(final=False) == Rest()
    assert utterance.rest(final=True) == Rest(settled="estou com")
    little = Utterance()
    for _ in range(2):
        little.interim_of(timed("dói há três"), SEGMENT, CLOCK)
    assert little.settled == "dói há três"
    assert little.rest(final=False) == Rest()
