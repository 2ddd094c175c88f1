"""What the notes come to: each thing once, as the last word on it stands, with what belongs to it and who proves it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...model.consultation import Role
from ...model.entities import Assertion, Entity, EntityCategory, RelationKind
from ...model.insight import Evidence
from . import quoting
from .fact import Fact
from .notes import Notes
from .planned import Plans
from .templates import Kind

A, C = Assertion, EntityCategory
MOST_EVIDENCE = 4
_OPEN = frozenset({A.ASKED, A.SUPPOSED})
ALLERGY = "allergy"
_ALLERGIES = frozenset({Kind.ALLERGY, Kind.ALLERGY_POSSIBLE})
PAIN = "pain"

PATIENT: Mapping[EntityCategory, Mapping[Assertion, Kind]] = {
    C.SYMPTOM: {
        A.AFFIRMED: Kind.SYMPTOM,
        A.POSSIBLE: Kind.SYMPTOM_POSSIBLE,
        A.PAST: Kind.SYMPTOM_PAST,
        A.NEGATED: Kind.SYMPTOM_DENIED,
        A.FAMILY: Kind.FAMILY,
    },
    C.DIAGNOSIS: {
        A.AFFIRMED: Kind.HISTORY,
        A.POSSIBLE: Kind.SYMPTOM_POSSIBLE,
        A.PAST: Kind.HISTORY_PAST,
        A.NEGATED: Kind.HISTORY_DENIED,
        A.FAMILY: Kind.FAMILY,
    },
    C.MEDICATION: {
        A.AFFIRMED: Kind.MEDICATION,
        A.PAST: Kind.MEDICATION_PAST,
        A.NEGATED: Kind.MEDICATION_DENIED,
    },
    C.ALLERGEN: {
        A.AFFIRMED: Kind.ALLERGY,
        A.POSSIBLE: Kind.ALLERGY_POSSIBLE,
        A.NEGATED: Kind.ALLERGY_DENIED,
    },
    C.SUBSTANCE: {A.AFFIRMED: Kind.HABIT, A.PAST: Kind.HABIT_PAST, A.NEGATED: Kind.HABIT_DENIED},
    C.TREATMENT: {A.AFFIRMED: Kind.TREATMENT, A.PAST: Kind.TREATMENT_PAST},
    C.EXAMINATION: {A.AFFIRMED: Kind.EXAM_DONE, A.PAST: Kind.EXAM_DONE},
}
"""What a thing is to a report that the patient speaks of, or says yes or no to."""
CLINICIAN: Mapping[EntityCategory, Mapping[Assertion, Kind]] = {
    C.SYMPTOM: {A.AFFIRMED: Kind.SYMPTOM, A.NEGATED: Kind.SYMPTOM_DENIED},
    C.DIAGNOSIS: {A.AFFIRMED: Kind.ASSESSMENT, A.POSSIBLE: Kind.HYPOTHESIS},
    C.MEDICATION: {A.AFFIRMED: Kind.PRESCRIBED, A.NEGATED: Kind.AVOIDED},
    C.EXAMINATION: {A.AFFIRMED: Kind.EXAM_PLANNED},
    C.TREATMENT: {A.AFFIRMED: Kind.TREATMENT_PLANNED},
}
"""What it is where the clinician states it."""
_AS = {C.MEDICATION_CLASS: C.MEDICATION}
_NEEDS_A_PLAN = frozenset({Kind.PRESCRIBED, Kind.AVOIDED, Kind.EXAM_PLANNED, Kind.TREATMENT_PLANNED})
_DETAILS = (
    RelationKind.PLACE_OF,
    RelationKind.DOSAGE_OF,
    RelationKind.FORM_OF,
    RelationKind.ROUTE_OF,
    RelationKind.FREQUENCY_OF,
    RelationKind.TIME_OF,
    RelationKind.RELATIVE_WITH,
    RelationKind.VALUE_OF,
)


def facts(notes: Notes) -> list[Fact]:
    """Return everything to state, in the order in which it came up."""
    entities = notes.entities()
    plans = Plans(notes, entities)
    sorted_: defaultdict[tuple[bool, EntityCategory, str], list[Entity]] = defaultdict(list)
    for entity in entities:
        by_clinician = _by_clinician(entity, notes)
        sorted_[by_clinician, _AS.get(entity.category, entity.category), entity.normal].append(entity)
    found = [
        fact
        for (by_clinician, category, _), mentions in sorted_.items()
        if (fact := _fact(category, mentions, entities, notes, plans, by_clinician=by_clinician)) is not None
    ]
    found = _without_repeats(found)
    found += plans.sentences(found)
    return sorted([*plans.complaint(), *plans.red_flags(), *found], key=lambda fact: fact.at_s)


def standing_of(mentions: Sequence[Entity]) -> Assertion | None:
    """Return how a thing stands after all that was said of it: as most mentions have it, of as many the latest.

    "Never had headaches like this before" takes no headache back that was told three times.
    """
    counted = Counter(one.assertion for one in mentions)
    latest = {one.assertion: i for i, one in enumerate(mentions)}
    return max(counted, key=lambda assertion: (counted[assertion], latest[assertion]), default=None)


def _by_clinician(entity: Entity, notes: Notes) -> bool:
    said = notes.utterance(entity.utterance_id)
    return said is not None and said.role is Role.CLINICIAN and not entity.answer_id


def _fact(
    category: EntityCategory,
    mentions: Sequence[Entity],
    entities: Sequence[Entity],
    notes: Notes,
    plans: Plans,
    *,
    by_clinician: bool,
) -> Fact | None:
    kinds = (CLINICIAN if by_clinician else PATIENT).get(category, {})
    settled = [one for one in mentions if one.assertion not in _OPEN]
    if by_clinician:
        settled = [one for one in settled if _stated(one, kinds.get(one.assertion), plans)]
    stands = standing_of(settled)
    if stands is None or stands not in kinds:
        return None
    kind = kinds[stands]
    standing = [one for one in settled if one.assertion is stands]
    details_of = {one.id: _details(one, entities) for one in standing}
    lead = max(standing, key=lambda one: (not one.approximate, len(details_of[one.id]), not one.answer_id))
    details = _completed(details_of[lead.id], (d for one in standing for d in details_of[one.id]))
    if category is C.EXAMINATION and any(_relation(one) is RelationKind.VALUE_OF for one in details):
        kind = Kind.MEASUREMENT
    proof = _evidence(lead, details, standing, notes)
    at_s = min((one.start_s for one in proof), default=0.0)
    return Fact(kind, proof, at_s, lead, details, by_clinician=by_clinician)


def _stated(entity: Entity, kind: Kind | None, plans: Plans) -> bool:
    """Tell whether the clinician states it, and does not ask; what is to be given or done needs words of intent."""
    if kind is None or plans.asked(entity):
        return False
    if kind in _NEEDS_A_PLAN:
        return plans.planned(entity) or plans.near_a_plan(entity)
    return plans.addressed(entity) if entity.category is C.SYMPTOM else True


def _details(entity: Entity, entities: Iterable[Entity]) -> tuple[Entity, ...]:
    found = [
        one
        for one in entities
        if one.assertion is not A.ASKED and any(relation.to == entity.id for relation in one.relations)
    ]
    return tuple(sorted((one for one in found if _tells(one, entity)), key=lambda one: _DETAILS.index(_relation(one))))


def _tells(detail: Entity, entity: Entity) -> bool:
    """Tell whether a value is one: "um pouco de tontura" has none."""
    if _relation(detail) is not RelationKind.VALUE_OF:
        return True
    return entity.category is C.EXAMINATION or (detail.value or 0) >= _LEAST_VALUE


_LEAST_VALUE = 30
"""Below that, a number beside a symptom is hardly what was measured: "um pouco de tontura"."""


def _relation(detail: Entity) -> RelationKind:
    return detail.relations[0].kind


def _completed(details: tuple[Entity, ...], others: Iterable[Entity]) -> tuple[Entity, ...]:
    """Return `details` with those of other mentions of a kind that it lacks, each thing once."""
    kept: dict[tuple[RelationKind, str], Entity] = {}
    for one in details:
        kept.setdefault((_relation(one), one.normal), one)
    has = {kind for kind, _ in kept}
    for one in others:
        if _relation(one) not in has:
            kept[_relation(one), one.normal] = one
            has.add(_relation(one))
    return tuple(sorted(kept.values(), key=lambda one: _DETAILS.index(_relation(one))))


def _evidence(
    lead: Entity, details: Sequence[Entity], standing: Sequence[Entity], notes: Notes
) -> tuple[Evidence, ...]:
    """Return the words that prove it: the mention, what it answers, its details, and where it was said again."""
    proof: list[Evidence] = []
    for entity in (lead, *details, *(one for one in standing if one is not lead)):
        if len(proof) >= MOST_EVIDENCE and entity not in details:
            break
        for one in proving(entity, notes):
            if not any(one.utterance_id == has.utterance_id and overlaps(one, has) for has in proof):
                proof.append(one)
    return tuple(sorted(proof, key=lambda one: one.start_s))


def overlaps(one: Evidence, other: Evidence) -> bool:
    """Tell whether one of two quotes of an utterance holds the other."""
    return one.quote in other.quote or other.quote in one.quote


def proving(entity: Entity, notes: Notes) -> Iterator[Evidence]:
    """Yield the words around a mention, and the answer that settled it."""
    for utterance_id in (entity.utterance_id, entity.answer_id):
        utterance = notes.utterance(utterance_id)
        if utterance is None:
            continue
        if utterance_id == entity.utterance_id:
            yield quoting.of_entity(entity, utterance)
        else:
            yield quoting.first_words(utterance)


def _without_repeats(found: Sequence[Fact]) -> list[Fact]:
    """Drop what others say better: pain beside a pain somewhere, being allergic beside to what, a known illness."""
    has = {(fact.kind, fact.about.normal) for fact in found if fact.about}
    kinds = {fact.kind for fact in found}
    told: set[str] = set()
    restated = set()
    # What the clinician sums up counts where the patient said nothing of it that was understood.
    for fact in sorted(found, key=lambda fact: fact.by_clinician):
        if fact.about is not None and fact.about.normal in told and fact.by_clinician:
            restated.add(fact.about.id)
        elif fact.about is not None:
            told.add(fact.about.normal)
    somewhere = any(kind is Kind.SYMPTOM and normal.endswith(f"_{PAIN}") for kind, normal in has)

    def repeats(fact: Fact) -> bool:
        about = fact.about
        if about is None:
            return False
        if about.normal == PAIN and fact.kind is Kind.SYMPTOM and somewhere and not fact.details:
            return True
        if about.normal == ALLERGY and fact.kind in (Kind.HISTORY, Kind.SYMPTOM_POSSIBLE) and kinds & _ALLERGIES:
            return True
        if about.category is C.SYMPTOM and about.id in restated:
            return True
        return fact.kind in (Kind.ASSESSMENT, Kind.HYPOTHESIS) and any(
            (kind, about.normal) in has for kind in (Kind.HISTORY, Kind.SYMPTOM)
        )

    return [fact for fact in found if not repeats(fact)]
