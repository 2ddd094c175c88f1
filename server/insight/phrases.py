"""Find phrases in tokens, forgiving what speech recognition gets wrong.

A phrase is words with a little notation: `a|b_c` the word a or the words b c, `word*` any word beginning so,
`word?` may be missing, `~` up to three words of the same sentence. A word of seven letters or more also matches
at one letter's difference, and when recognition split it in two ("de pirona").
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from typing import NamedTuple

from .text import Token, fold

LONG_WORD = 7
"""Letters from which one may be wrong."""
SURE_WORD = 9
"""Letters from which the first may be the wrong one: "sitting" is not "fitting"."""
MAX_GAP = 3
"""Words that `~` may stand for."""
SHORTEST_PLURAL = 3
"""Letters beyond which a last s is taken for a plural: "is" is not "i"."""
_SHORTEST_PREFIX = 3
_REMEMBERED = 20_000
"""Words, and pairs of words, whose likenesses are remembered."""


class Match(NamedTuple):
    """`name` was said from token `first` to token `last`, both included."""

    name: str
    first: int
    last: int


_GAP: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Phrase:
    """Alternatives for each word in turn; `_GAP` stands for `~`."""

    name: str
    elements: tuple[frozenset[str], ...]


def _parse(name: str, phrase: str) -> Iterator[_Phrase]:
    """Return `phrase` once for each way of saying it."""
    for ways in product(*(_ways(part) for part in phrase.replace("-", " ").split())):
        elements = tuple(atoms for way in ways for atoms in way)
        if not elements or elements[0] is _GAP or elements[-1] is _GAP:
            raise ValueError(f"phrase {phrase!r} of {name!r} must begin and end with a word")
        yield _Phrase(name, elements)


def _ways(part: str) -> Iterator[tuple[frozenset[str], ...]]:
    """Return what may stand for one part: its words as alternatives, each of its word_groups, or nothing."""
    if part == "~":
        yield (_GAP,)
        return
    words = part.rstrip("?").split("|")
    if single := frozenset(_atom(word) for word in words if "_" not in word):
        yield (single,)
    for group in words:
        if "_" in group:
            yield tuple(frozenset({_atom(word)}) for word in group.split("_"))
    if part.endswith("?"):
        yield ()


def _atom(word: str) -> str:
    return fold(word.rstrip("*")) + ("*" if word.endswith("*") else "")


def _deletions(word: str) -> Iterable[str]:
    return (word[:i] + word[i + 1 :] for i in range(len(word)))


def within_one_edit(a: str, b: str) -> bool:
    """Tell whether at most one letter was added, lost or changed between `a` and `b`."""
    if len(a) > len(b):
        a, b = b, a
    if len(b) - len(a) > 1:
        return False
    i = 0
    while i < len(a) and a[i] == b[i]:
        i += 1
    return a[i + 1 :] == b[i + 1 :] if len(a) == len(b) else a[i:] == b[i + 1 :]


class _Vocabulary:
    """Which words of the phrases a heard word may be."""

    def __init__(self, atoms: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._prefixes: set[str] = set()
        self._near: defaultdict[str, set[str]] = defaultdict(set)
        for atom in atoms:
            if atom.endswith("*"):
                self._prefixes.add(atom[:-1])
                continue
            self._exact.add(atom)
            if len(atom) >= LONG_WORD:
                self._near[atom].add(atom)
                for shorter in _deletions(atom):
                    self._near[shorter].add(atom)
        self.resolve = lru_cache(_REMEMBERED)(self._resolve)
        self.resolve_joined = lru_cache(_REMEMBERED)(self._resolve_joined)

    def _resolve(self, heard: str) -> frozenset[str]:
        """Return every word of the phrases that `heard` may be."""
        found = {heard} & self._exact
        if len(heard) > SHORTEST_PLURAL and heard.endswith("s") and heard[:-1] in self._exact:
            found.add(heard[:-1])
        for length in range(_SHORTEST_PREFIX, len(heard) + 1):
            if heard[:length] in self._prefixes:
                found.add(heard[:length] + "*")
        if len(heard) >= LONG_WORD - 1 and heard not in self._exact:
            found |= self._nearby(heard)
        return frozenset(found)

    def _resolve_joined(self, first: str, second: str) -> frozenset[str]:
        """Return the long words that `first` and `second` may be the halves of."""
        joined = first + second
        if len(joined) < LONG_WORD:
            return frozenset()
        return frozenset(self._nearby(joined))

    def _nearby(self, heard: str) -> set[str]:
        candidates = set(self._near.get(heard, ()))
        for shorter in _deletions(heard):
            candidates |= self._near.get(shorter, set())
        return {
            atom
            for atom in candidates
            if (atom[0] == heard[0] or len(atom) >= SURE_WORD) and within_one_edit(heard, atom)
        }


class _Heard(NamedTuple):
    tokens: Sequence[Token]
    skippable: list[bool]
    singles: list[frozenset[str]]
    pairs: list[frozenset[str]]


class Lexicon:
    """Named phrases, compiled once. `~` stands for none of the words in `never_skipped`."""

    def __init__(self, phrases: Mapping[str, Sequence[str]], never_skipped: Iterable[str] = ()) -> None:
        self._never_skipped = frozenset(fold(word) for word in never_skipped)
        parsed = [parsed for name, group in phrases.items() for phrase in group for parsed in _parse(name, phrase)]
        self._vocabulary = _Vocabulary(atom for phrase in parsed for atoms in phrase.elements for atom in atoms)
        self._by_first: defaultdict[str, list[_Phrase]] = defaultdict(list)
        for phrase in parsed:
            for atom in phrase.elements[0]:
                self._by_first[atom].append(phrase)

    def find(self, tokens: Sequence[Token]) -> list[Match]:
        """Return every phrase in `tokens`, the longest for each name and place, in order."""
        heard = self._hear(tokens)
        longest: dict[tuple[str, int], int] = {}
        for i in range(len(tokens)):
            for atom in heard.singles[i] | heard.pairs[i]:
                for phrase in self._by_first.get(atom, ()):
                    end = _match(phrase.elements, 0, i, heard)
                    if end is not None:
                        key = (phrase.name, i)
                        longest[key] = max(longest.get(key, 0), end - 1)
        matches = [Match(name, first, last) for (name, first), last in longest.items()]
        return sorted(matches, key=lambda match: (match.first, -match.last, match.name))

    def _hear(self, tokens: Sequence[Token]) -> _Heard:
        resolve, joined = self._vocabulary.resolve, self._vocabulary.resolve_joined
        singles = [resolve(token.norm) for token in tokens]
        pairs: list[frozenset[str]] = [
            joined(token.norm, after.norm) if token.sentence == after.sentence else frozenset()
            for token, after in pairwise(tokens)
        ]
        skippable = [token.norm not in self._never_skipped for token in tokens]
        return _Heard(tokens, skippable, singles, [*pairs, frozenset()])


def _match(elements: Sequence[frozenset[str]], k: int, i: int, heard: _Heard) -> int | None:
    """Return the token after the match of `elements[k:]` at token `i`, the nearest one."""
    if k == len(elements):
        return i
    if elements[k] is _GAP:
        return _match_after_gap(elements, k + 1, i, heard)
    if i >= len(heard.tokens) or (k and heard.tokens[i].sentence != heard.tokens[i - 1].sentence):
        return None
    for width, atoms in ((1, heard.singles[i]), (2, heard.pairs[i])):
        if not elements[k].isdisjoint(atoms):
            end = _match(elements, k + 1, i + width, heard)
            if end is not None:
                return end
    return None


def _match_after_gap(elements: Sequence[frozenset[str]], k: int, i: int, heard: _Heard) -> int | None:
    for at in range(i, min(i + MAX_GAP + 1, len(heard.tokens))):
        if heard.tokens[at].sentence != heard.tokens[i - 1].sentence:
            return None
        end = _match(elements, k, at, heard)
        if end is not None:
            return end
        if not heard.skippable[at]:
            return None
    return None
