"""What a sentence of a report states: things with their standing, numbers, words, and which of them it denies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...model.consultation import Role
from ...model.entities import Assertion, Entity
from ...model.transcript import Utterance
from ..entities.extract import extract
from ..entities.numbers import count
from ..text import Spoken, Token, fold, tokenize
from .templates import own_words, phrases

REACH = 3
"""Words that a negation denies after it, where no comma comes first."""
ALLERGY = "allergy"
STEM = 5
"""Letters in which two forms of a word agree."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as the checker sees it. `words` are stems of what tells something, `denied` those a negation reaches."""

    spoken: Spoken
    numbers: frozenset[float]
    words: dict[str, Token]
    denied: frozenset[str]
    sides: frozenset[int]


@lru_cache(4096)
def reading(text: str, language: str) -> Reading:
    """Return what the checker compares of `text`."""
    spoken = tokenize(text)
    counted = count(spoken, language)
    numbers = frozenset(counted.numbers.values())
    numbered = {i for at in counted.numbers for i in range(counted.origin[at][0], counted.origin[at][1] + 1)}
    words = {stem(t.norm): t for i, t in enumerate(spoken.tokens) if i not in numbered and _tells(t.norm, language)}
    cues = phrases(language).cues
    sides = frozenset(
        number
        for number, forms in enumerate(cues.sides)
        if {fold(form) for form in forms} & {t.norm for t in spoken.tokens}
    )
    return Reading(spoken, numbers, words, frozenset(_denied(spoken.tokens, language)), sides)


def stated(text: str, language: str) -> tuple[Entity, ...]:
    """Return the things that a sentence of a report names, each as the sentence has it."""
    sentence = Utterance(id="statement", role=Role.PATIENT, start_s=0, end_s=0, text=text, language=language)
    found = (one for one in extract(sentence) if not _own(one, language))
    return tuple(_standing(entity, text, language) for entity in found)


def quoted(text: str) -> Iterable[tuple[int, int]]:
    """Return where words stand between “ and ”, as a statement repeats them."""
    return [(match.start(1), match.end(1)) for match in _QUOTED.finditer(text)]


_QUOTED = re.compile(r"“([^”]*)”")


def _own(entity: Entity, language: str) -> bool:
    """Tell whether the report itself brings these words in: "heard" is no part of the body, "ouvido" neither."""
    own = own_words(language)
    return entity.normal != ALLERGY and all(token.norm in own for token in tokenize(entity.text).tokens)


def stem(norm: str) -> str:
    """Return what two forms of a word have in common."""
    return norm[:STEM]


def _standing(entity: Entity, text: str, language: str) -> Entity:
    """Return `entity` as the report's own words have it: "História familiar de …", "Hipótese de …"."""
    if entity.assertion is not Assertion.AFFIRMED:
        return entity
    cues = phrases(language).cues
    # Words that are repeated tell of themselves alone.
    plain = _QUOTED.sub(lambda match: " " * len(match[0]), text)
    sentence_starts = max((plain.rfind(mark, 0, entity.start) for mark in ".;!?"), default=-1) + 1
    before = frozenset(token.norm for token in tokenize(plain[sentence_starts : entity.start]).tokens)
    for assertion, forms in (
        (Assertion.FAMILY, cues.family),
        (Assertion.NEGATED, cues.denied),
        (Assertion.POSSIBLE, cues.possible),
        (Assertion.PAST, cues.past),
    ):
        if before & folded(forms):
            return entity.model_copy(update={"assertion": assertion})
    return entity


def _denied(tokens: Sequence[Token], language: str) -> Iterable[str]:
    negations = folded(phrases(language).cues.negations)
    for i, token in enumerate(tokens):
        if token.norm not in negations or token.pause:
            continue
        for other in tokens[i + 1 : i + 1 + REACH]:
            if _tells(other.norm, language):
                yield stem(other.norm)
            if other.pause:
                break


@lru_cache(64)
def folded(forms: tuple[str, ...]) -> frozenset[str]:
    """Return words as tokens have them."""
    return frozenset(fold(form) for form in forms)


def _tells(norm: str, language: str) -> bool:
    """Tell whether a word says something by itself, and is not of the report's own."""
    return len(norm) > _SMALL and not norm.isdigit() and norm not in own_words(language)


_SMALL = 2
