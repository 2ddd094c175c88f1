"""The draft that needs no model: each fact put in words, in the section of the template that takes its kind."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from ...model.entities import Entity, EntityCategory, RelationKind
from ...model.report import Origin, Section, Statement, Support
from ..text import fold, tokenize
from .check import Checker
from .fact import Fact
from .facts import facts
from .notes import Notes
from .templates import Kind, Phrases, Template, phrases

LONGEST = 4000
_UNITS = frozenset({"", "mg", "g", "mcg", "mL", "%", "kg", "cm"})
"""Units that every language writes the same."""
_QUANTITIES = frozenset({EntityCategory.DOSAGE, EntityCategory.MEASUREMENT})


def draft(notes: Notes, template: Template) -> tuple[Section, ...]:
    """Return the template's sections with everything that the notes prove, and nothing else.

    Pure; the same notes give the same draft.
    """
    checker = Checker(notes, template.language)
    told = [(fact.kind, one) for fact in facts(notes) if (one := _proved(fact, template, checker)) is not None]
    sections = []
    for section in template.section:
        mine = [one for kind in section.takes for its, one in told if its is kind]
        sections.append(Section(id=section.id, title=section.title, code=section.code, statements=_once(mine)))
    return tuple(sections)


def _proved(fact: Fact, template: Template, checker: Checker) -> Statement | None:
    """Return `fact` in words that its evidence supports: by its name, or else as it was said. None if neither does."""
    for literally in (False, True):
        one = checker.check(statement(fact, template, literally=literally))
        if one.support is Support.SUPPORTED:
            return one
    return None


def statement(fact: Fact, template: Template, *, literally: bool = False) -> Statement:
    """Return `fact` in words, by its name or `literally` by the words said."""
    words = phrases(template.language)
    pattern = template.phrases.get(fact.kind) or words.statement[fact.kind]
    text = pattern.format(
        what=_what(fact.about, words, literally=literally),
        details=_details(fact, template.language),
        value=_value(fact, template.language),
        quote=fact.quote,
    )
    text = (text[:1].upper() + text[1:])[:LONGEST]
    cited = "|".join(f"{one.utterance_id}:{one.quote}" for one in fact.evidence)
    name = hashlib.sha256(f"{fact.kind}|{text}|{cited}".encode()).hexdigest()[:16]
    return Statement(id=name, text=text, evidence=fact.evidence, entities=fact.entities, origin=Origin.RULES)


def _what(entity: Entity | None, words: Phrases, *, literally: bool) -> str:
    """Return the name of a thing, with the patient's own words where they differ, and what was heard where misheard."""
    if entity is None:
        return ""
    said = _plain(entity.text)
    name = entity.name or said
    if literally or entity.value is not None:
        return said
    if entity.approximate:
        return f"{name} ({words.heard.format(text=said)})"
    named, spoken = (frozenset(token.norm for token in tokenize(text).tokens) for text in (name, said))
    if named <= spoken:
        return said
    return f"{name} (“{said}”)" if fold(name) != fold(said) else name


def _plain(text: str) -> str:
    """Return words from within a sentence: without a capital that only began it."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _details(fact: Fact, language: str) -> str:
    parts = []
    for one in fact.details:
        kind = one.relations[0].kind
        if kind is RelationKind.PLACE_OF:
            parts.append(f", {phrases(language).place.format(text=_plain(one.text))}")
        elif kind is RelationKind.RELATIVE_WITH:
            parts.append(f" ({_plain(one.text)})")
        elif kind is RelationKind.DOSAGE_OF:
            parts.append(f" {_quantity(one, language)}")
        elif kind is not RelationKind.VALUE_OF or fact.kind is not Kind.MEASUREMENT:
            parts.append(f", {_quantity(one, language)}")
    return "".join(parts)


def _value(fact: Fact, language: str) -> str:
    values = [one for one in fact.details if one.relations[0].kind is RelationKind.VALUE_OF]
    return ", ".join(_quantity(one, language) for one in values)


def _quantity(entity: Entity, language: str) -> str:
    """Return "50 mg" for "cinquenta miligramas"; what has no such form as it was said."""
    if entity.category in _QUANTITIES and entity.value is not None and entity.unit in _UNITS:
        return entity.normal.replace(".", ",") if language == "pt" else entity.normal
    return _plain(entity.text)


def _once(statements: Iterable[Statement]) -> Sequence[Statement]:
    return tuple({one.text: one for one in statements}.values())
