"""Proves statements, outside any model: what they cite was said, and what they state is what was said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ...model.consultation import Role
from ...model.entities import Assertion, Entity, EntityCategory, RelationKind
from ...model.insight import Evidence
from ...model.report import Origin, Statement, Support
from . import quoting
from .notes import Notes
from .stated import Reading, quoted, reading, stated
from .templates import phrases

A, C = Assertion, EntityCategory
MOST_UNSAID = 1 / 3
"""Share of a statement's telling words that may be others than those said: "hipertenso" for "pressão alta"."""
_BY_NUMBER = frozenset({C.MEASUREMENT, C.AGE, C.TIME})
"""What the comparison of numbers and words proves already."""
_PRESENT = frozenset({C.FAMILY, C.BODY, C.MEDICATION_FORM, C.MEDICATION_ROUTE, C.DOSAGE, C.FREQUENCY})
"""Stand as what they belong to stands: being named is enough."""
_TIED = frozenset({RelationKind.DOSAGE_OF, RelationKind.FREQUENCY_OF, RelationKind.VALUE_OF})
_TAKEN_BACK = frozenset({C.SYMPTOM, C.DIAGNOSIS, C.MEDICATION, C.ALLERGEN, C.SUBSTANCE})
_OPPOSITE = {A.AFFIRMED: A.NEGATED, A.NEGATED: A.AFFIRMED}
_ALIKE: dict[EntityCategory, frozenset[EntityCategory]] = {
    C.MEDICATION: frozenset({C.MEDICATION, C.ALLERGEN}),
    C.MEDICATION_CLASS: frozenset({C.MEDICATION_CLASS, C.ALLERGEN}),
    C.ALLERGEN: frozenset({C.ALLERGEN, C.MEDICATION, C.MEDICATION_CLASS}),
}


class Checker:
    """Checks statements in one language against everything that was said in one consultation."""

    def __init__(self, notes: Notes, language: str) -> None:
        self._notes = notes
        self._language = language
        self._doubts = phrases(language).doubts
        self._of: defaultdict[str, list[Entity]] = defaultdict(list)
        self._all: defaultdict[str, list[Entity]] = defaultdict(list)
        self._by_id: dict[str, Entity] = {}
        for entity in notes.entities():
            self._by_id[entity.id] = entity
            self._of[entity.utterance_id].append(entity)
            if entity.answer_id:
                self._of[entity.answer_id].append(entity)
            self._all[entity.normal].append(entity)

    def check(self, statement: Statement) -> Statement:
        """Return `statement` with its support, its doubts, the evidence that completes it, and the things it states.

        What the clinician wrote or confirmed stays so; its doubts are noted all the same.
        """
        doubts = list(dict.fromkeys(self._unsaid(statement.evidence)))
        entities: tuple[Entity, ...] = ()
        proof = statement.evidence
        if not doubts:
            cited = self._cited(statement.evidence)
            entities = self._states(statement.text, cited)
            proof = self._completed(statement.evidence, entities)
            doubts = list(dict.fromkeys(self._doubted(statement.text, proof, cited)))
        support = Support.UNSUPPORTED if doubts else Support.SUPPORTED
        if doubts and (statement.support is Support.CONFIRMED or statement.origin is Origin.CLINICIAN):
            support = Support.CONFIRMED
        changes = {"support": support, "doubts": tuple(doubts), "evidence": proof, "entities": entities}
        return statement.model_copy(update=changes)

    def _unsaid(self, evidence: Sequence[Evidence]) -> Iterator[str]:
        if not evidence:
            yield self._doubt("no_evidence")
        for one in evidence:
            utterance = self._notes.utterance(one.utterance_id)
            if utterance is None:
                yield self._doubt("no_utterance")
            elif not one.quote.strip() or one.quote not in utterance.text:
                yield self._doubt("not_said", _short(one.quote))

    def _cited(self, evidence: Sequence[Evidence]) -> list[Entity]:
        """Return the things that the quotes name, and those that a cited answer settles."""
        found: dict[str, Entity] = {}
        for one in evidence:
            utterance = self._notes.utterance(one.utterance_id)
            if utterance is None:
                continue
            begin = utterance.text.find(one.quote)
            end = begin + len(one.quote)
            for entity in self._of[one.utterance_id]:
                named = entity.utterance_id == one.utterance_id and entity.start < end and begin < entity.end
                if named or entity.answer_id == one.utterance_id:
                    found[entity.id] = entity
        return list(found.values())

    def _completed(self, evidence: Sequence[Evidence], cited: Sequence[Entity]) -> tuple[Evidence, ...]:
        """Return the evidence with question or answer, where one of them alone was cited."""
        whole = list(evidence)
        has = {one.utterance_id for one in evidence}
        for entity in cited:
            for utterance_id in (entity.utterance_id, entity.answer_id):
                utterance = self._notes.utterance(utterance_id)
                if utterance is None or utterance_id in has:
                    continue
                has.add(utterance_id)
                asked = utterance_id == entity.utterance_id
                whole.append(quoting.of_entity(entity, utterance) if asked else quoting.first_words(utterance))
        return tuple(whole)

    def _doubted(self, text: str, proof: Sequence[Evidence], cited: Sequence[Entity]) -> Iterator[str]:
        said = [reading(one.quote, self._language) for one in proof]
        mine = reading(text, self._language)
        things = stated(text, self._language)
        covered = _outside(mine, things)
        spans = [(a, b) for a, b in quoted(text) if any(text[a:b] in one.quote for one in proof)]
        repeated = [one for one in things if any(a <= one.start and one.end <= b for a, b in spans)]
        yield from self._things(things, cited, repeated)
        for number in sorted(mine.numbers - frozenset(n for one in said for n in one.numbers)):
            yield self._doubt("number", f"{number:g}")
        for side in mine.sides - frozenset(s for one in said for s in one.sides):
            yield self._doubt("side", phrases(self._language).cues.sides[side][0])
        unsaid = [w for w in covered if not any(w in one.words for one in said)]
        if len(unsaid) > MOST_UNSAID * max(1, len(mine.words)):
            yield self._doubt("words", ", ".join(_word(mine, w) for w in unsaid[:5]))
        for word in covered:
            spoken = [one for one in said if word in one.words]
            if spoken and all((word in mine.denied) != (word in one.denied) for one in spoken):
                yield self._doubt("negation", _word(mine, word))

    def _things(self, things: Sequence[Entity], cited: Sequence[Entity], repeated: Sequence[Entity]) -> Iterator[str]:
        """Yield what is wrong with the things a statement names; `repeated` are those in words it quotes."""
        by_id = {one.id: one for one in things}
        for thing in things:
            same = [one for one in cited if _same(thing, one)]
            if thing.category in _BY_NUMBER or (not same and thing in repeated):
                continue
            if not same:
                yield self._doubt("not_stated", thing.text)
                continue
            yield from self._loose(thing, by_id, same)
            if thing.category in _PRESENT:
                continue
            agreeing = [one for one in same if _agrees(thing, one)]
            if not agreeing:
                yield self._doubt("other_standing", self._doubt(same[-1].assertion.value, thing.text))
                continue
            if (against := self._taken_back(thing, agreeing)) is not None:
                yield self._doubt("contradicted", _short(against))

    def _loose(self, thing: Entity, by_id: Mapping[str, Entity], same: Sequence[Entity]) -> Iterator[str]:
        for relation in thing.relations:
            target = by_id.get(relation.to)
            if relation.kind in _TIED and target is not None and not self._tied(relation.kind, target, same):
                yield self._doubt("relation", f"“{thing.text}” – “{target.text}”")

    def _tied(self, kind: RelationKind, target: Entity, same: Sequence[Entity]) -> bool:
        """Tell whether the words cited connect a dose, a frequency or a value to the same thing, or to nothing else."""
        ties = [relation.to for one in same for relation in one.relations if relation.kind is kind]
        return not ties or any(
            (tied := self._by_id.get(to)) is not None and tied.normal == target.normal for to in ties
        )

    def _taken_back(self, thing: Entity, agreeing: Sequence[Entity]) -> str | None:
        """Return the words with which the patient later said the opposite, at least as often as this was said."""
        opposite = _OPPOSITE.get(thing.assertion)
        if thing.category not in _TAKEN_BACK or opposite is None:
            return None
        told_s = max(self._when(one) for one in agreeing)
        said = [one for one in self._all[thing.normal] if one.category in _alike(thing.category)]
        against = [one for one in said if one.assertion is opposite and self._by_patient(one)]
        later = [one for one in against if self._when(one) > told_s]
        if not later or len(against) < sum(one.assertion is thing.assertion for one in said):
            return None
        utterance = self._notes.utterance(later[-1].answer_id or later[-1].utterance_id)
        return utterance.text if utterance is not None else None

    def _by_patient(self, entity: Entity) -> bool:
        utterance = self._notes.utterance(entity.answer_id or entity.utterance_id)
        return utterance is not None and utterance.role is Role.PATIENT

    def _when(self, entity: Entity) -> float:
        utterance = self._notes.utterance(entity.answer_id or entity.utterance_id)
        return utterance.start_s if utterance is not None else 0.0

    def _states(self, text: str, cited: Sequence[Entity]) -> tuple[Entity, ...]:
        things = stated(text, self._language)
        found = [one for one in cited if any(_same(thing, one) and _agrees(thing, one) for thing in things)]
        return tuple(dict.fromkeys(found))

    def _doubt(self, name: str, detail: str = "") -> str:
        return self._doubts[name].format(detail=detail)


def _same(thing: Entity, said: Entity) -> bool:
    return said.category in _alike(thing.category) and thing.normal == said.normal


def _alike(category: EntityCategory) -> frozenset[EntityCategory]:
    return _ALIKE.get(category, frozenset({category}))


def _agrees(thing: Entity, said: Entity) -> bool:
    """Tell whether a thing stands in the statement as it was said. What is only asked or supposed proves the same."""
    return thing.assertion is said.assertion


def _outside(mine: Reading, things: Sequence[Entity]) -> list[str]:
    """Return the telling words that name none of `things`."""
    return [
        word
        for word, token in mine.words.items()
        if not any(one.start < token.end and token.start < one.end for one in things)
    ]


def _word(mine: Reading, word: str) -> str:
    token = mine.words[word]
    return mine.spoken.text[token.start : token.end]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_DETAIL else f"{text[:_LONGEST_DETAIL]}…"


_LONGEST_DETAIL = 80
