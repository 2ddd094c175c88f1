"""Dosages, frequencies, measures, ages and times, from number words and units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from ...model.entities import EntityCategory
from ..phrases import Match
from ..text import Spoken, fold
from .grammar import NOTHING, Quantity, load, quantity_lexicon
from .numbers import NUMBER, Counted, count

HALF = 0.5
WEEKDAY = "feira"
"""Ends the Portuguese names of five days, and tells none of them: "segunda-feira"."""
_MERGED = frozenset({EntityCategory.FREQUENCY})


class Span(NamedTuple):
    """A quantity from token `first` to token `last` (both included) and character `start` to `end`."""

    category: EntityCategory
    first: int
    last: int
    start: int
    end: int
    normal: str
    value: float | None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Quantities:
    """What one utterance says of quantities, and where values and medicines are spoken of (token indices)."""

    spans: tuple[Span, ...]
    numbers: tuple[Span, ...]
    value_verbs: tuple[int, ...]
    medication: bool


def find(spoken: Spoken, language: str, *, medication: bool) -> Quantities:
    """Return the quantities in `spoken`. `medication`: a medicine is named, here or in what is answered."""
    counted = count(spoken, language)
    matches = quantity_lexicon(language).find(counted.tokens)
    takes = any(match.name.startswith("medication.") for match in matches)
    grammar = load(language)
    found = [match for match in matches if match.name.startswith("quantity.")]
    spans = []
    for match in found:
        quantity = grammar.quantity[int(match.name.removeprefix("quantity."))]
        if (span := _span(quantity, match, counted, spoken, language, medication or takes)) is not None:
            spans.append(span)
    numbers = tuple(
        Span(EntityCategory.MEASUREMENT, *counted.origin[i], token.start, token.end, _shown(value), value)
        for i, value in counted.numbers.items()
        for token in (counted.tokens[i],)
    )
    verbs = tuple(counted.origin[match.last][1] for match in matches if match.name == "value.verbs")
    return Quantities(_merged(_longest(spans), spoken), numbers, verbs, medication or takes)


def _span(
    quantity: Quantity, match: Match, counted: Counted, spoken: Spoken, language: str, medication: bool
) -> Span | None:
    said = range(match.first, match.last + 1)
    numbers = tuple(counted.numbers[i] for i in said if i in counted.numbers)
    start, end = counted.tokens[match.first].start, counted.tokens[match.last].end
    after = counted.tokens[match.last + 1].norm if match.last + 1 < len(counted.tokens) else ""
    if not quantity.fits(numbers, spoken.text[start:end]) or after in quantity.unless_after:
        return None
    loose = quantity.category is EntityCategory.FREQUENCY
    if not loose and any(counted.tokens[i].pause and counted.tokens[i].norm != NUMBER for i in said[:-1]):
        return None
    category = quantity.category
    if quantity.in_medication and not medication and quantity.otherwise:
        if quantity.otherwise == NOTHING:
            return None
        category = EntityCategory(quantity.otherwise)
    first = match.first
    if quantity.keep_from_number:
        first = next(i for i in said if i in counted.numbers)
    numbers = _with_half(numbers)
    unit = load(language).unit_of((counted.tokens[i].norm for i in said), _units(language))
    shown = [_shown(number) for number in numbers] + ["", ""]
    value = numbers[0] if numbers else None
    many = bool(unit) and value is not None and value != 1
    last, token = counted.tokens[match.last], counted.tokens[first]
    if last.norm == WEEKDAY:
        last = counted.tokens[match.last - 1]
    normal = quantity.normal.format(*shown, unit=unit + "s" * many, word=last.norm).strip()
    said_unit = load(language).units[unit][many] if unit else ""
    word = spoken.text[last.start : last.end]
    name = load(language).name_of(quantity.normal, value).format(*shown, unit=said_unit, word=word).strip()
    first_token, last_token = counted.origin[first][0], counted.origin[match.last][1]
    return Span(category, first_token, last_token, token.start, end, normal, value, name)


def _with_half(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """Return "um comprimido e meio" as one number."""
    return (numbers[0] + HALF,) if len(numbers) > 1 and numbers[-1] == HALF else numbers


@cache
def _units(language: str) -> dict[str, str]:
    return {fold(word): unit for unit, words in load(language).units.items() for word in words}


def _shown(number: float) -> str:
    return f"{number:g}" if number < 1e6 else str(int(number))


def _longest(spans: Sequence[Span]) -> list[Span]:
    """Keep the longest of those that overlap, the first in the file of equals."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start - span.end, span.start)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)


def _merged(spans: Sequence[Span], spoken: Spoken) -> tuple[Span, ...]:
    """Join what is said in one breath: "todo dia" and "de manhã"."""
    merged: list[Span] = []
    for span in spans:
        before = merged[-1] if merged else None
        if (
            before is not None
            and before.category is span.category
            and span.category in _MERGED
            and span.first == before.last + 1
            and not spoken.tokens[before.last].pause
        ):
            normal, name = f"{before.normal}, {span.normal}", f"{before.name}, {span.name}"
            merged[-1] = before._replace(last=span.last, end=span.end, normal=normal, name=name)
        else:
            merged.append(span)
    return tuple(merged)
