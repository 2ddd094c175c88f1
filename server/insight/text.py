"""Spoken text as tokens: lower-case, accents folded, each knowing where it stands in the original."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+(?:['’](?:[^\W_]|[\u0300-\u036f])+)*")
_SENTENCE_ENDS = frozenset(".?!;…")
_PAUSES = frozenset(",:–—")
_DECIMAL = re.compile(r"(?<=\d)[.,](?=\d)")


@dataclass(frozen=True, slots=True)
class Token:
    """One word. `start`/`end` are character offsets; `sentence` counts from 0; `pause` means punctuation follows."""

    norm: str
    start: int
    end: int
    sentence: int
    pause: bool


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text and its tokens; `questions` are the indices of the sentences that end in a question mark."""

    text: str
    tokens: tuple[Token, ...]
    questions: frozenset[int]

    def quote(self, first: int, last: int) -> str:
        """Return the literal text from token `first` to token `last`, both included."""
        return self.text[self.tokens[first].start : self.tokens[last].end]


def fold(word: str) -> str:
    """Return `word` in lower case without accents and apostrophes."""
    decomposed = unicodedata.normalize("NFKD", word.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c) and c not in "'’")


@lru_cache(256)
def tokenize(text: str) -> Spoken:
    """Split `text` into words and sentences. Offsets refer to `text` as given."""
    tokens: list[Token] = []
    questions: set[int] = set()
    sentence = 0
    matches = list(_WORD.finditer(text))
    for index, match in enumerate(matches):
        until = matches[index + 1].start() if index + 1 < len(matches) else len(text)
        between = text[match.end() : until]
        decimal = bool(_DECIMAL.match(text, match.end()))
        ends = not decimal and any(c in _SENTENCE_ENDS for c in between)
        pause = ends or until == len(text) or (not decimal and any(c in _PAUSES for c in between))
        tokens.append(Token(fold(match.group()), match.start(), match.end(), sentence, pause))
        if ends:
            if "?" in between:
                questions.add(sentence)
            sentence += 1
    return Spoken(text, tuple(tokens), frozenset(questions))
