"""All forms of a vocabulary as one automaton over words, walked once from each word of an utterance.

Small words ("de", "no", "muito", "is", "my") may be missing or stand in between; a word may be inflected, misheard, or
written in two or three parts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from ...model.entities import EntityCategory
from ..text import Spoken, Token, fold, tokenize
from .grammar import load as load_grammar
from .spelling import Likeness, Neighbours, sound, stem, verb_root
from .vocabulary import Term

MAX_SKIPPED = 4
"""Small words that may stand between two words of a form."""
MAX_JOINED = 3
"""Parts that a word may have been written in."""
SHORTEST_MISHEARD = 6
"""Letters from which a word may be found by its sound."""
SHORTEST_MEDICINE = 5
SHORTEST_PART = 3
"""Letters of a word's last part."""
_EXACT, _VERB = "=", "~"
"""How keys begin that stand for a word as written, and for a verb in any form."""
_REMEMBERED = 20_000
_LIKENESS = {
    EntityCategory.MEDICATION: Likeness.NAME,
    EntityCategory.EXAMINATION: Likeness.TERM,
    EntityCategory.DIAGNOSIS: Likeness.TERM,
}


class Found(NamedTuple):
    """`term` was said from token `first` to token `last`, both included, with `wrong` sounds wrong; -1: as written."""

    term: Term
    first: int
    last: int
    wrong: int


AS_WRITTEN = -1


class Reading(NamedTuple):
    """A key of the automaton that `width` tokens may stand for."""

    key: str
    width: int
    wrong: int


class Automaton:
    """Compiled once from `terms`; `ordinary` words are never misheard names."""

    def __init__(self, terms: Iterable[Term], language: str, ordinary: Iterable[str]) -> None:
        grammar = load_grammar(language)
        self._language = language
        self.fillers = frozenset(fold(word) for word in grammar.fillers)
        self._dropped = self.fillers - {fold(word) for word in grammar.telling}
        # Flat on purpose: numbers and strings are nothing for the garbage collector to walk, 25,000 nodes are 0.1 s.
        self._after: dict[tuple[int, str], int] = {}
        self._ends: dict[int, tuple[Term, ...]] = {}
        self._inner: set[int] = set()
        words: dict[str, Likeness] = {}
        for term in terms:
            for form in term.forms:
                for word in self._add(term, form):
                    words[word] = max(words.get(word, Likeness.WORD), _LIKENESS.get(term.category, Likeness.WORD))
        self._known = frozenset(words)
        self._known_stems = frozenset(stem(word, language) for word in words)
        self._ordinary = self.fillers | {fold(word) for word in ordinary}
        self._neighbours = Neighbours(
            {
                word: likeness
                for word, likeness in words.items()
                if len(word) >= (SHORTEST_MEDICINE if likeness is Likeness.NAME else SHORTEST_MISHEARD)
                and word not in self._ordinary
            }
        )
        self._misheard = lru_cache(_REMEMBERED)(self._misheard_once)

    def _add(self, term: Term, form: str) -> Iterator[str]:
        exact = form.startswith(_EXACT)
        spoken = tokenize(form.lstrip(_EXACT))
        words = list(enumerate(token.norm for token in spoken.tokens))
        content = [(at, word) for at, word in words if at == 0 or word not in self._dropped]
        if len(content) == 1:
            content = words
        state = 0
        for at, word in content:
            verb = verb_root(word, clearly=True) if len(content) > 1 and self._language == "pt" else ""
            key = _as_written(spoken, at) if exact else _VERB + verb if verb else stem(word, self._language)
            self._inner.add(state)
            state = self._after.setdefault((state, key), len(self._after) + 1)
            yield word
        if term not in self._ends.get(state, ()):
            self._ends[state] = (*self._ends.get(state, ()), term)

    def content(self, form: str) -> tuple[str, ...]:
        """Return the stems of a form without its small words."""
        norms = (token.norm for token in tokenize(form).tokens)
        return tuple(stem(norm, self._language) for norm in norms if norm not in self.fillers)

    def find(self, spoken: Spoken) -> list[Found]:
        """Return every form in `spoken`, the longest for each term and place."""
        tokens = spoken.tokens
        readings = [self._read(spoken, i) for i in range(len(tokens))]
        best: dict[tuple[str, EntityCategory, int, bool], Found] = {}
        for first in range(len(tokens)):
            for term, last, wrong in self._walk(tokens, readings, first):
                key = (term.id, term.category, first, wrong == AS_WRITTEN)
                known = best.get(key)
                if known is None or (last, -wrong) > (known.last, -known.wrong):
                    best[key] = Found(term, first, last, wrong)
        return list(best.values())

    def _walk(
        self, tokens: Sequence[Token], readings: Sequence[Sequence[Reading]], first: int
    ) -> Iterator[tuple[Term, int, int]]:
        paths = [(0, first, AS_WRITTEN, 0)]
        while paths:
            state, at, wrong, skipped = paths.pop()
            if at > first and not skipped:
                for term in self._ends.get(state, ()):
                    yield term, at - 1, wrong
            if at >= len(tokens) or state not in self._inner or (at > first and not self._goes_on(tokens, at)):
                continue
            for reading in readings[at]:
                if (after := self._after.get((state, reading.key))) is not None:
                    paths.append((after, at + reading.width, max(wrong, reading.wrong), 0))
            if at > first and skipped < MAX_SKIPPED and tokens[at].norm in self.fillers:
                paths.append((state, at + 1, wrong, skipped + 1))

    def _goes_on(self, tokens: Sequence[Token], at: int) -> bool:
        """Tell whether a form may go on at token `at`: not past a pause, unless a small word follows it."""
        before = tokens[at - 1]
        return before.sentence == tokens[at].sentence and (not before.pause or tokens[at].norm in self.fillers)

    def _read(self, spoken: Spoken, at: int) -> list[Reading]:
        tokens = spoken.tokens
        norm = tokens[at].norm
        readings = [Reading(_as_written(spoken, at), 1, AS_WRITTEN), Reading(stem(norm, self._language), 1, AS_WRITTEN)]
        if self._language == "pt" and (verb := verb_root(norm)):
            readings.append(Reading(_VERB + verb, 1, AS_WRITTEN))
        if self._may_be_misheard(norm):
            readings += [Reading(key, 1, wrong) for key, wrong in self._misheard(norm, False).items()]
        joined = norm
        for width in range(2, MAX_JOINED + 1):
            after = at + width - 1
            if after >= len(tokens) or tokens[after - 1].pause or tokens[at].sentence != tokens[after].sentence:
                break
            joined += tokens[after].norm
            norms = [token.norm for token in tokens[at : after + 1]]
            if len(norms[-1]) >= SHORTEST_PART and any(map(self._may_be_misheard, norms)):
                most = 1 if self._may_be_parts(norms) else 0
                near = self._misheard(joined, True).items()
                readings += [Reading(key, width, wrong) for key, wrong in near if wrong <= most]
        return readings

    def _may_be_misheard(self, norm: str) -> bool:
        return not (
            norm in self._ordinary
            or norm in self._known
            or norm.isdigit()
            or stem(norm, self._language) in self._known_stems
        )

    def _may_be_parts(self, norms: Sequence[str]) -> bool:
        """Tell whether `norms` may be one word in parts: "de pirona"; only the first may be a small word."""
        return all(
            self._may_be_misheard(norm) or (i == 0 and norm in self.fillers) for i, norm in enumerate(norms)
        ) and (self._may_be_misheard(norms[-1]))

    def _misheard_once(self, heard: str, joined: bool) -> Mapping[str, int]:
        """Return the keys of words that `heard` may be, each with how many sounds are wrong."""
        if joined and heard in self._known:
            return {stem(heard, self._language): 0}
        if len(sound(heard)) < SHORTEST_MEDICINE or (joined and len(heard) < SHORTEST_MISHEARD):
            return {}
        near = self._neighbours.of(heard, most=1 if joined else 2)
        return {stem(word, self._language): wrong for word, wrong in near.items()}


def _as_written(spoken: Spoken, at: int) -> str:
    """Return the key of a token whose accents count."""
    token = spoken.tokens[at]
    return _EXACT + unicodedata.normalize("NFC", spoken.text[token.start : token.end].lower())
