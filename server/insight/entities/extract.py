"""One utterance to its entities, and to what it settles of the question before it. Pure; about a millisecond."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from ...model.consultation import Role
from ...model.entities import Assertion, Entity, EntityCategory, Relation
from ...model.transcript import Utterance
from ..languages import known_language
from ..text import Spoken, tokenize
from . import answers, context, mentions, relations
from .mentions import Mention
from .standing import Standing

_LONGEST_ID = 128
_A_YEAR = "year "
_REMEMBERED = 64
"""Utterances whose entities are kept for the answer to them."""


class _Said(NamedTuple):
    """What of an utterance matters here."""

    id: str
    role: Role
    text: str
    language: str

    @classmethod
    def of(cls, utterance: Utterance) -> _Said:
        return cls(utterance.id, utterance.role, utterance.text, utterance.language)


def extract(utterance: Utterance, before: Sequence[Utterance] = ()) -> tuple[Entity, ...]:
    """Return what `utterance` names, in order, then what it settles of the question that it answers.

    `before` are the utterances before it, oldest first; the last one or two are enough. An entity of the question
    comes again with its own id and utterance, its new assertion, and `answer_id`.
    """
    asked = answers.question(utterance, before)
    found = _extract(_Said.of(utterance), None if asked is None else _Said.of(asked))
    if asked is None or not any(one.answer_id for one in found):
        return found
    settled = _settled_since(asked, before)
    # "Não." "Estou com tosse.": what the first words settled, the next ones change only by its name.
    named = {one.normal for one in found if not one.answer_id}
    return tuple(one for one in found if not one.answer_id or one.id not in settled or one.normal in named)


def _settled_since(asked: Utterance, before: Sequence[Utterance]) -> frozenset[str]:
    """Return what of a question the words after it have settled."""
    later = list(before)[list(before).index(asked) + 1 :]
    found = [one for said in later for one in _extract(_Said.of(said), _Said.of(asked))]
    return frozenset(one.id for one in found if one.answer_id)


@lru_cache(_REMEMBERED)
def _extract(utterance: _Said, asked: _Said | None) -> tuple[Entity, ...]:
    language = known_language(utterance.language)
    spoken = tokenize(utterance.text)
    if not spoken.tokens:
        return ()
    question = () if asked is None else _extract(asked, None)
    found = mentions.find(spoken, language, medication=any(one.category in context.MEDICINES for one in question))
    places = [(one.first, one.last) for one in found.mentions]
    standing = Standing(spoken, utterance.role, language, places)
    named = context.with_allergens(found, standing, spoken, asked=answers.asks_of_allergy(question, standing))
    named = context.with_bare_numbers(named, found, question)
    entities = _entities(utterance, spoken, named, standing, question)
    if asked is None:
        return entities
    asked_words = frozenset(token.norm for token in tokenize(asked.text).tokens)
    return answers.taken_into_account(entities, question, spoken, standing, utterance.id, language, asked_words)


def _entities(
    utterance: _Said, spoken: Spoken, named: Sequence[Mention], standing: Standing, question: Sequence[Entity]
) -> tuple[Entity, ...]:
    ids = [f"{utterance.id}.{m.start}.{m.end}.{m.category.value}"[:_LONGEST_ID] for m in named]
    said_of = relations.related(named, spoken)
    over = {target for i, (_, target) in said_of.items() if named[i].normal.startswith(_A_YEAR)}
    entities = []
    for i, mention in enumerate(named):
        related = _relation_to_question(mention, question)
        if i in said_of:
            kind, target = said_of[i]
            related = (Relation(kind=kind, to=ids[target]),)
        assertion = _assertion(mention, standing, over=i in over)
        entities.append(_entity(mention, ids[i], utterance.id, spoken, assertion, related))
    return tuple(entities)


def _entity(
    mention: Mention,
    entity_id: str,
    utterance_id: str,
    spoken: Spoken,
    assertion: Assertion,
    related: tuple[Relation, ...],
) -> Entity:
    return Entity(
        id=entity_id,
        utterance_id=utterance_id,
        category=mention.category,
        text=spoken.text[mention.start : mention.end],
        start=mention.start,
        end=mention.end,
        normal=mention.normal,
        name=mention.name,
        assertion=assertion,
        confidence=mention.confidence,
        approximate=mention.approximate,
        value=mention.value,
        unit=mention.normal.partition(" ")[2] if mention.value is not None else "",
        relations=related,
    )


def _assertion(mention: Mention, standing: Standing, *, over: bool) -> Assertion:
    """Return how `mention` stands; an allergy is never over, what a year is named with is: "teve um AVC em 2015"."""
    assertion = standing.judge(mention.first, mention.last, mention.category)
    if mention.category is EntityCategory.ALLERGEN and assertion is Assertion.PAST:
        return Assertion.AFFIRMED
    return Assertion.PAST if over and assertion is Assertion.AFFIRMED else assertion


def _relation_to_question(mention: Mention, question: Sequence[Entity]) -> tuple[Relation, ...]:
    """Return what an answer says of the only thing that the question named: "e a losartana?" "Cinquenta miligramas"."""
    crossing = relations.crossing(mention.category)
    if crossing is None:
        return ()
    targets = [one for one in question if one.category in crossing[1]]
    return (Relation(kind=crossing[0], to=targets[0].id),) if len(targets) == 1 else ()
