"""A model is asked after a patient's turn with something new, not on small talk, and not twice for the same."""

import pytest

from server.insight.news import News
from server.insight.notes import Notes
from tests.insight.spoken import utterance


def news(*turns: str) -> list[bool]:
    """Tell of each turn whether it is worth asking about."""
    known, notes, found = News(), Notes(), []
    said = [utterance(turn, number) for number, turn in enumerate(turns)]
    for number, one in enumerate(said):
        other = next((before for before in reversed(said[:number]) if before.role is not one.role), None)
        found.append(known.is_new(one, notes.add(one, said[max(0, number - 3) : number]), other))
    return found


def test_a_patient_who_tells_something_is_news_and_a_clinician_is_not() -> None:
    assert news("c: O que a senhora sente?", "p: Estou com dor no peito.") == [False, True]
    assert news("c: A senhora está com dor no peito?") == [False]


@pytest.mark.parametrize("turn", ["p: Bom dia, doutor.", "p: Obrigada.", "p: Tá bom.", "p: Hum, ok.", "p: Sim."])
def test_small_talk_is_none(turn: str) -> None:
    assert news(turn) == [False]


@pytest.mark.parametrize(
    "again", ["p: Estou com dor no peito.", "p: Dor no peito, doutor, estou.", "p: Com dor no peito. Obrigada."]
)
def test_the_same_said_again_is_none(again: str) -> None:
    assert news("p: Estou com dor no peito.", "c: Entendi.", again) == [True, False, False]


def test_the_same_thing_denied_is_news() -> None:
    assert news("p: Tenho febre.", "p: Não tenho febre.") == [True, True]


def test_a_bare_answer_counts_once_for_each_question() -> None:
    turns = ["c: Tem falta de ar?", "p: Sim.", "c: Isso acontece à noite?", "p: Sim.", "c: Tem falta de ar?", "p: Sim."]
    assert [one for one, turn in zip(news(*turns), turns, strict=True) if turn[0] == "p"] == [True, True, False]


def test_other_words_for_things_no_vocabulary_knows_are_news() -> None:
    assert news("p: Um formigueiro esquisito subindo.", "p: Parece eletricidade fininha.") == [True, True]
