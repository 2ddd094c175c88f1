"""Which words of an utterance name something: terms and quantities that do not overlap, each with its place.

"Dor" and "joelho" become one mention when nothing but small words lies between; sides ("esquerdo", "left") belong to
the place they stand beside.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from ...model.entities import EntityCategory
from ..knowledge_file import FOLDER
from ..text import Spoken, fold
from . import quantities
from .automaton import AS_WRITTEN, Automaton, Found
from .grammar import cue_lexicon, quantity_lexicon
from .grammar import load as load_grammar
from .quantities import Quantities
from .vocabulary import Term, load

UNSURE = 4
"""Letters by which what was misheard must be longer to win over what was not."""
MAX_BETWEEN = 5
"""Small words that may lie between a symptom and its place."""
ORDINARY = "ordinary.txt"
_CONFIDENCE = {AS_WRITTEN: 0.95, 0: 0.85, 1: 0.7, 2: 0.55}
_MEDICINES = frozenset({EntityCategory.MEDICATION, EntityCategory.MEDICATION_CLASS})


@dataclass(frozen=True, slots=True)
class Mention:
    """Words that name something, from token `first` to `last` and character `start` to `end`."""

    category: EntityCategory
    first: int
    last: int
    start: int
    end: int
    normal: str
    name: str = ""
    confidence: float = 0.95
    approximate: bool = False
    located: bool = False
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Mentions:
    """Everything named in one utterance, in order; `allergens` is what would be one if an allergy is spoken of."""

    mentions: tuple[Mention, ...]
    allergens: tuple[Mention, ...]
    quantities: Quantities


@cache
def automaton(language: str) -> Automaton:
    """Return the compiled vocabularies of `language`."""
    ordinary = Path(FOLDER / language / ORDINARY).read_text("utf-8").split()
    return Automaton(load(language), language, ordinary)


def prepare(language: str) -> None:
    """Compile everything of `language` ahead, about half a second, so that no utterance waits for it."""
    automaton(language)
    _names(language)
    _placed(language)
    quantity_lexicon(language)
    cue_lexicon(language)


@cache
def _names(language: str) -> dict[str, str]:
    return {term.id: term.name for term in load(language)}


@cache
def _placed(language: str) -> dict[tuple[str, str], Term]:
    """Return the terms that mean a symptom at a place: "dor torácica" for pain and chest."""
    compiled = automaton(language)
    terms = load(language)
    heads = {compiled.content(form): term.id for term in terms if term.located for form in term.forms}
    places = {
        compiled.content(form): term.id for term in terms if term.category is EntityCategory.BODY for form in term.forms
    }
    placed: dict[tuple[str, str], Term] = {}
    for term in terms:
        if term.category is not EntityCategory.SYMPTOM or term.located:
            continue
        for form in term.forms:
            words = compiled.content(form)
            for cut in range(1, len(words)):
                for head, place in ((words[:cut], words[cut:]), (words[cut:], words[:cut])):
                    if head in heads and place in places:
                        placed.setdefault((heads[head], places[place]), term)
    return placed


def find(spoken: Spoken, language: str, *, medication: bool) -> Mentions:
    """Return what `spoken` names. `medication`: what it answers was about a medicine."""
    found = automaton(language).find(spoken)
    named = medication or any(one.term.category in _MEDICINES and one.wrong <= 1 for one in found)
    said = quantities.find(spoken, language, medication=named)
    allergens = [_mention(one, spoken) for one in found if one.term.category is EntityCategory.ALLERGEN]
    terms = [
        _mention(one, spoken)
        for one in found
        if one.term.category is not EntityCategory.ALLERGEN and _believable(one, said)
    ]
    chosen = _choose([*terms, *(_quantity(span, language) for span in said.spans)])
    joined = _join_places(_with_sides(chosen, spoken, language), spoken, language)
    return Mentions(tuple(joined), tuple(_choose(allergens)), said)


def _believable(one: Found, said: Quantities) -> bool:
    """Tell whether `one` is more than a chance likeness; a far one counts only where medicines are spoken of."""
    if one.term.category is EntityCategory.MEDICATION_FORM:
        return said.medication
    return one.wrong <= 1 or said.medication


def _mention(one: Found, spoken: Spoken) -> Mention:
    term = one.term
    return Mention(
        category=term.category,
        first=one.first,
        last=one.last,
        start=spoken.tokens[one.first].start,
        end=spoken.tokens[one.last].end,
        normal=term.id,
        name=term.name,
        confidence=_CONFIDENCE[one.wrong],
        approximate=one.wrong > AS_WRITTEN,
        located=term.located,
    )


def _quantity(span: quantities.Span, language: str) -> Mention:
    name = _names(language).get(span.normal) or span.name
    return Mention(span.category, span.first, span.last, span.start, span.end, span.normal, name, 0.9, value=span.value)


def _choose(candidates: Iterable[Mention]) -> list[Mention]:
    """Keep the longest of those that overlap."""
    kept: list[Mention] = []
    for one in sorted(
        candidates, key=lambda m: (m.start - m.end + UNSURE * m.approximate, -m.confidence, m.located, m.start)
    ):
        if all(one.end <= other.start or other.end <= one.start for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda mention: mention.start)


def _with_sides(mentions: Sequence[Mention], spoken: Spoken, language: str) -> list[Mention]:
    grammar = load_grammar(language)
    after, before = ({fold(word) for word in words} for words in (grammar.laterality_after, grammar.laterality_before))
    taken = {i for mention in mentions for i in range(mention.first, mention.last + 1)}
    sided = []
    for mention in mentions:
        if mention.category in (EntityCategory.BODY, EntityCategory.SYMPTOM):
            i, j = mention.first - 1, mention.last + 1
            if (
                mention.category is EntityCategory.BODY
                and i >= 0
                and i not in taken
                and spoken.tokens[i].norm in before
            ):
                mention = replace(mention, first=i, start=spoken.tokens[i].start)
            if j < len(spoken.tokens) and j not in taken and spoken.tokens[j].norm in after:
                mention = replace(mention, last=j, end=spoken.tokens[j].end)
        sided.append(mention)
    return sided


def _join_places(mentions: Sequence[Mention], spoken: Spoken, language: str) -> list[Mention]:
    """Join a symptom that may have a place with the place beside it."""
    joined: list[Mention] = []
    for mention in mentions:
        before = joined[-1] if joined else None
        if (
            before is not None
            and (head := _head(before, mention))
            and _only_small_words(before, mention, spoken, language)
        ):
            joined[-1] = _at_place(head, mention if head is before else before, language)
        else:
            joined.append(mention)
    return joined


def _head(a: Mention, b: Mention) -> Mention | None:
    for head, place in ((a, b), (b, a)):
        if head.located and head.category is EntityCategory.SYMPTOM and place.category is EntityCategory.BODY:
            return head
    return None


def _only_small_words(a: Mention, b: Mention, spoken: Spoken, language: str) -> bool:
    between = range(a.last + 1, b.first)
    fillers = automaton(language).fillers
    if len(between) > MAX_BETWEEN or spoken.tokens[a.first].sentence != spoken.tokens[b.first].sentence:
        return False
    if any(spoken.tokens[i].pause for i in range(a.last, b.first)):
        return False
    return all(spoken.tokens[i].norm in fillers for i in between)


def _at_place(head: Mention, place: Mention, language: str) -> Mention:
    known = _placed(language).get((head.normal, place.normal))
    first, second = (head, place) if head.first < place.first else (place, head)
    return replace(
        head,
        first=first.first,
        last=second.last,
        start=first.start,
        end=second.end,
        normal=known.id if known else f"{head.normal}:{place.normal}",
        name=known.name if known else f"{head.name} ({place.name})",
        located=False,
    )
