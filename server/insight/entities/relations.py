"""Which dose, frequency, value or relative belongs to what: the nearest in the same sentence, before if possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...model.entities import EntityCategory, RelationKind
from ..text import Spoken
from .mentions import Mention

_MEDICINES = (EntityCategory.MEDICATION, EntityCategory.MEDICATION_CLASS)
_COMPLAINTS = (EntityCategory.SYMPTOM, EntityCategory.DIAGNOSIS)
_OF: Mapping[EntityCategory, tuple[RelationKind, tuple[EntityCategory, ...]]] = {
    EntityCategory.DOSAGE: (RelationKind.DOSAGE_OF, _MEDICINES),
    EntityCategory.FREQUENCY: (
        RelationKind.FREQUENCY_OF,
        (*_MEDICINES, EntityCategory.TREATMENT, EntityCategory.SYMPTOM),
    ),
    EntityCategory.MEDICATION_FORM: (RelationKind.FORM_OF, _MEDICINES),
    EntityCategory.MEDICATION_ROUTE: (RelationKind.ROUTE_OF, _MEDICINES),
    EntityCategory.MEASUREMENT: (RelationKind.VALUE_OF, (EntityCategory.EXAMINATION, EntityCategory.SYMPTOM)),
    EntityCategory.TIME: (RelationKind.TIME_OF, (*_COMPLAINTS, EntityCategory.TREATMENT, *_MEDICINES)),
    EntityCategory.BODY: (RelationKind.PLACE_OF, (EntityCategory.SYMPTOM,)),
    EntityCategory.FAMILY: (RelationKind.RELATIVE_WITH, (EntityCategory.DIAGNOSIS,)),
}
_CROSSES_UTTERANCES = frozenset({RelationKind.DOSAGE_OF, RelationKind.FREQUENCY_OF, RelationKind.VALUE_OF})
"""What an answer may say of a thing that only the question named."""


def related(mentions: Sequence[Mention], spoken: Spoken) -> dict[int, tuple[RelationKind, int]]:
    """Return, for each mention that says something of another, what it says and of which (by index)."""
    found: dict[int, tuple[RelationKind, int]] = {}
    for i, mention in enumerate(mentions):
        if mention.category not in _OF:
            continue
        kind, categories = _OF[mention.category]
        target = _nearest(i, mentions, categories, spoken, ahead=kind is RelationKind.RELATIVE_WITH)
        if target is not None:
            found[i] = (kind, target)
    return found


def of(category: EntityCategory) -> tuple[RelationKind, tuple[EntityCategory, ...]] | None:
    """Return what a mention of `category` may say, and of which categories."""
    return _OF.get(category)


def crossing(category: EntityCategory) -> tuple[RelationKind, tuple[EntityCategory, ...]] | None:
    """Return what a mention of `category` may say of something in the question it answers."""
    kind, categories = _OF.get(category, (None, ()))
    return (kind, categories) if kind in _CROSSES_UTTERANCES and kind is not None else None


def _nearest(
    i: int, mentions: Sequence[Mention], categories: Sequence[EntityCategory], spoken: Spoken, *, ahead: bool
) -> int | None:
    """Return the last of `categories` before mention `i`, or the first after it; if `ahead`, the other way round."""
    sentence = spoken.tokens[mentions[i].first].sentence
    same = [
        j
        for j, other in enumerate(mentions)
        if j != i and other.category in categories and spoken.tokens[other.first].sentence == sentence
    ]
    before, after = [j for j in same if j < i], [j for j in same if j > i]
    if ahead:
        return after[0] if after else (before[-1] if before else None)
    medicines = [j for j in before if mentions[j].category in _MEDICINES]
    if medicines and mentions[i].category in (EntityCategory.FREQUENCY, EntityCategory.DOSAGE):
        return medicines[-1]
    return before[-1] if before else (after[0] if after else None)
