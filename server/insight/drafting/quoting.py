"""The words to show for a mention: its sentence, or the words around it where nobody paused."""

from __future__ import annotations

from functools import lru_cache

from ...model.entities import Entity
from ...model.insight import Evidence
from ...model.transcript import Utterance
from ..findings import spoken_when
from ..text import Spoken, tokenize

LONGEST_SENTENCE = 30
AROUND = 10
"""Words: what is longer is cut to so many before and after the mention."""


def evidence(utterance: Utterance, start: int, end: int) -> Evidence:
    """Return the sentences in which the characters from `start` to `end` stand, as they were said."""
    spoken = _spoken(utterance.text)
    if not spoken.tokens:
        return cite(utterance, 0, len(utterance.text))
    touched = [i for i, token in enumerate(spoken.tokens) if token.end > start and token.start < end]
    first, last = (touched[0], touched[-1]) if touched else (0, len(spoken.tokens) - 1)
    sentences = range(spoken.tokens[first].sentence, spoken.tokens[last].sentence + 1)
    whole = [i for i, token in enumerate(spoken.tokens) if token.sentence in sentences]
    begin, finish = whole[0], whole[-1]
    if finish - begin >= LONGEST_SENTENCE:
        begin, finish = max(begin, first - AROUND), min(finish, last + AROUND)
    return cite(utterance, spoken.tokens[begin].start, _with_its_mark(utterance.text, spoken.tokens[finish].end))


def first_words(utterance: Utterance) -> Evidence:
    """Return how an answer begins: its first two sentences, for the first may be a bare "No."."""
    spoken = _spoken(utterance.text)
    inside = [token for token in spoken.tokens if token.sentence <= 1][: LONGEST_SENTENCE + 1]
    end = inside[-1].end if inside else len(utterance.text)
    return cite(utterance, 0, _with_its_mark(utterance.text, end))


def of_entity(entity: Entity, utterance: Utterance) -> Evidence:
    """Return the words around a mention."""
    return evidence(utterance, entity.start, entity.end)


def cite(utterance: Utterance, start: int, end: int) -> Evidence:
    """Return the characters from `start` to `end`, with the time at which they were said."""
    start_s, end_s = spoken_when(utterance, start, end)
    return Evidence(utterance_id=utterance.id, quote=utterance.text[start:end], start_s=start_s, end_s=end_s)


def _with_its_mark(text: str, end: int) -> int:
    return end + 1 if text[end : end + 1] in frozenset(".?!…%") else end


@lru_cache(256)
def _spoken(text: str) -> Spoken:
    return tokenize(text)
