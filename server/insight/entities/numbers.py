"""Numbers as people say them: "cinquenta", "dois e meio", "mil e duzentos", "one and a half", "0,5", "50mg"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..text import Spoken, Token, fold

NUMBER = "#"
"""What a number looks like among the words around it."""
PERCENT = "%"
_ONLY_BEFORE_OTHERS = "cento"


class Number(NamedTuple):
    """A number that was said from token `first` to token `last`, both included."""

    value: float
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Words:
    """The number words of a language, folded."""

    below_hundred: Mapping[str, int]
    hundreds: Mapping[str, int]
    thousand: str
    hundred: str
    halves: frozenset[str]
    link: str
    points: frozenset[str]


def _numbered(words: str, start: int = 0, step: int = 1) -> dict[str, int]:
    return {fold(name): start + i * step for i, group in enumerate(words.split()) for name in group.split("|")}


_PT = Words(
    below_hundred=_numbered(
        "zero um|uma dois|duas três quatro cinco seis sete oito nove dez onze doze treze quatorze|catorze quinze"
        " dezesseis|dezasseis dezessete|dezassete dezoito dezenove|dezanove"
    )
    | _numbered("vinte trinta quarenta cinquenta|cincoenta sessenta setenta oitenta noventa", 20, 10),
    hundreds=_numbered(
        "cem|cento duzentos|duzentas trezentos|trezentas quatrocentos|quatrocentas quinhentos|quinhentas"
        " seiscentos|seiscentas setecentos|setecentas oitocentos|oitocentas novecentos|novecentas",
        100,
        100,
    ),
    thousand="mil",
    hundred="",
    halves=frozenset({"meio", "meia"}),
    link="e",
    points=frozenset({"virgula", "ponto"}),
)
_EN = Words(
    below_hundred=_numbered(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
        " sixteen seventeen eighteen nineteen"
    )
    | _numbered("twenty thirty forty|fourty fifty sixty seventy eighty ninety", 20, 10),
    hundreds={},
    thousand="thousand",
    hundred="hundred",
    halves=frozenset({"half"}),
    link="and",
    points=frozenset({"point"}),
)
_LANGUAGES = {"pt": _PT, "en": _EN}
_DIGITS = re.compile(r"\d+")
_GLUED = re.compile(r"(\d+)([a-z]+)")
_THOUSANDS = 3


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens with each number as one token `#`; `origin` tells which tokens each stands for, `numbers` their values."""

    tokens: tuple[Token, ...]
    origin: tuple[tuple[int, int], ...]
    numbers: Mapping[int, float]


def count(spoken: Spoken, language: str) -> Counted:
    """Return the words of `spoken` with each number as one; "50mg" becomes a number and a word."""
    words = _LANGUAGES[language]
    tokens: list[Token] = []
    origin: list[tuple[int, int]] = []
    numbers: dict[int, float] = {}
    at = 0
    while at < len(spoken.tokens):
        token = spoken.tokens[at]
        glued = _GLUED.fullmatch(token.norm)
        number = None if glued else _number(spoken, at, words)
        if glued:
            numbers[len(tokens)] = float(glued[1])
            split = token.start + len(glued[1])
            tokens.append(Token(NUMBER, token.start, split, token.sentence, False))
            tokens.append(Token(glued[2], split, token.end, token.sentence, token.pause))
            origin += [(at, at), (at, at)]
            at += 1
        elif number is None:
            tokens.append(token)
            origin.append((at, at))
            at += 1
        else:
            numbers[len(tokens)] = number.value
            last = spoken.tokens[number.last]
            tokens.append(Token(NUMBER, token.start, last.end, token.sentence, last.pause))
            origin.append((number.first, number.last))
            if spoken.text[last.end : last.end + 1] == PERCENT:
                tokens.append(Token(PERCENT, last.end, last.end + 1, last.sentence, last.pause))
                origin.append((number.last, number.last))
            at = number.last + 1
    return Counted(tuple(tokens), tuple(origin), numbers)


def _number(spoken: Spoken, at: int, words: Words) -> Number | None:
    tokens = spoken.tokens
    if _DIGITS.fullmatch(tokens[at].norm):
        return _and_a_half(tokens, _digits(spoken, at), words)
    if tokens[at].norm in words.halves:
        return Number(0.5, at, at)
    spoken_number = _in_words(tokens, at, words)
    return None if spoken_number is None else _and_a_half(tokens, spoken_number, words)


def _digits(spoken: Spoken, at: int) -> Number:
    tokens = spoken.tokens
    text = tokens[at].norm
    if at + 1 < len(tokens) and _DIGITS.fullmatch(tokens[at + 1].norm):
        between = spoken.text[tokens[at].end : tokens[at + 1].start]
        if between == "." and len(tokens[at + 1].norm) == _THOUSANDS:
            return Number(float(text + tokens[at + 1].norm), at, at + 1)
        if between in (".", ","):
            return Number(float(f"{text}.{tokens[at + 1].norm}"), at, at + 1)
    return Number(float(text), at, at)


def _in_words(tokens: Sequence[Token], at: int, words: Words) -> Number | None:
    total, current, last, smallest = 0, -1, at - 1, 10**6
    i = at
    while i < len(tokens) and tokens[i].sentence == tokens[at].sentence:
        norm = tokens[i].norm
        if i > at and norm == words.link and i + 1 < len(tokens) and not tokens[i].pause:
            following = words.below_hundred.get(tokens[i + 1].norm, words.hundreds.get(tokens[i + 1].norm))
            if following is None or following >= smallest or smallest <= _UNITS:
                break
            i += 1
            continue
        value = words.below_hundred.get(norm, words.hundreds.get(norm))
        if norm == words.thousand:
            total, current, smallest = max(current, 1) * 1000, 0, 1000
        elif norm == words.hundred and norm:
            current, smallest = max(current, 1) * 100, 100
        elif value is not None and value < smallest:
            current = max(current, 0) + value
            smallest = 100 if value >= _HUNDRED else 10 if value >= _TWENTY and value % 10 == 0 else 1
        else:
            break
        last = i
        if tokens[i].pause:
            break
        i += 1
    if last < at or (last == at and tokens[at].norm == _ONLY_BEFORE_OTHERS):
        return None
    return Number(float(total + max(current, 0)), at, last)


_ARTICLES = frozenset({"a", "an"})
_UNITS = 1
_TWENTY = 20
_HUNDRED = 100


def _and_a_half(tokens: Sequence[Token], number: Number, words: Words) -> Number:
    """Take in "e meio", "and a half", "point one"."""
    at = number.last + 1
    if at + 1 < len(tokens) and tokens[at].norm in words.points and not tokens[number.last].pause:
        decimal = words.below_hundred.get(tokens[at + 1].norm)
        if decimal is not None:
            return Number(float(f"{number.value:g}.{decimal}"), number.first, at + 1)
    if at < len(tokens) and tokens[at].norm == words.link and not tokens[number.last].pause:
        at += 1
        if at < len(tokens) and tokens[at].norm in _ARTICLES:
            at += 1
        if at < len(tokens) and tokens[at].norm in words.halves:
            return Number(number.value + 0.5, number.first, at)
    return number
