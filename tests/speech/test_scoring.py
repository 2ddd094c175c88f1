"""The yardstick itself."""

import pytest

from server.speech.measure.figures import Samples, TrueWord, measure_channel, shown_words
from server.speech.port import Final, Interim
from server.speech.scoring import Heard, Turn, normalized

TURNS = [Turn("patient", 1.0, 3.0, "Estou com dor, doutor.")]
WORDS = [TrueWord(word, 1.5 + 0.5 * place, 0) for place, word in enumerate(["estou", "com", "dor", "doutor"])]


def final(text: str, start_s: float, end_s: float, utterance_id: str = "u") -> Final:
    return Final(utterance_id, start_s, end_s, text, (), "pt")


def interim(text: str, settled: str = "") -> Interim:
    return Interim("u", 1.0, 2.0, text, len(settled), "pt")


def measured(heard: Heard) -> Samples:
    samples = Samples()
    measure_channel(samples, heard, TURNS, WORDS)
    return samples


def test_case_and_punctuation_are_no_errors() -> None:
    assert normalized("Estou com DOR, doutor!") == "estou com dor doutor"


def test_errors_latencies_and_words_outside_turns_are_counted() -> None:
    heard = Heard()
    heard.take(interim("Estou com"), 1.9)
    heard.take(final("Estou com dor doutora", 1.0, 3.0), 4.0)
    heard.take(final("muito obrigado", 8.0, 8.5, "later"), 9.0)
    figures = measured(heard).summary()
    assert figures["word_error_rate"] == 0.75
    assert figures["final_s"]["max"] == 1.0
    assert figures["first_interim_s"]["p50"] == 0.9
    assert figures["words_outside_turns"] == 2


def test_a_word_is_shown_when_it_first_comes_and_fixed_when_it_settles() -> None:
    heard = Heard()
    heard.take(interim("Estou com tosse"), 1.9)
    heard.take(interim("Estou com dor, dou", settled="Estou com"), 2.6)
    heard.take(final("Estou com dor, doutor.", 1.0, 3.0), 3.5)
    shown = [(word.text, word.first_s, word.fixed_s) for word in shown_words(heard)]
    assert shown == [("estou", 1.9, 2.6), ("com", 1.9, 2.6), ("dor", 2.6, 3.5), ("doutor", 3.5, 3.5)]
    samples = measured(heard)
    assert samples.interim_word == pytest.approx([0.4, -0.1, 0.1, 0.5])
    assert samples.committed_word == pytest.approx([1.1, 0.6, 1.0, 0.5])
    assert samples.last_word == pytest.approx([0.5])


def test_what_was_taken_back_counts_as_erased_but_for_case_and_punctuation() -> None:
    heard = Heard()
    heard.take(interim("estou com a tosse"), 1.9)
    heard.take(interim("Estou com dor dou"), 2.6)
    heard.take(final("Estou com dor, doutor.", 1.0, 3.0), 3.5)
    assert measured(heard).summary()["erasure"] == (2 + 1) / 4


def test_a_settled_word_that_changes_is_found() -> None:
    heard = Heard()
    heard.take(interim("estou com dor", settled="estou com"), 1.9)
    heard.take(final("Estou com dor, doutor.", 1.0, 3.0), 3.5)
    assert measured(heard).committed_erased == 1
