"""What a mention becomes by what is said around it: an allergen, a dose without a unit, a measured value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...model.entities import Entity, EntityCategory
from ..phrases import Match
from ..text import Spoken
from . import answers
from .mentions import Mention, Mentions
from .quantities import Span
from .standing import Standing

MEDICINES = frozenset({EntityCategory.MEDICATION, EntityCategory.MEDICATION_CLASS})
BARE_DOSE_FROM = 5
"""Below that, a bare number after a medicine is hardly a dose."""
BARE = 0.6
"""How sure a value without a unit is."""
ALLERGY_BEFORE, ALLERGY_AFTER = 8, 5
"""Words from an allergen to the allergy."""
_MAY_BE_ALLERGEN = frozenset({*MEDICINES, EntityCategory.ALLERGEN})
_MEASURED = frozenset(
    {
        "fever",
        "high_blood_sugar",
        "low_blood_sugar",
        "raised_blood_pressure",
        "low_blood_pressure",
        "hypertension",
        "low_oxygen",
    }
)
"""Symptoms and illnesses that a number may follow: "febre de trinta e nove"."""


def with_allergens(found: Mentions, standing: Standing, spoken: Spoken, *, asked: bool) -> list[Mention]:
    """Make allergens of what somebody is said to be allergic to; the allergy itself then needs no mention.

    `asked`: it was asked what the speaker is allergic to.
    """
    if not (asked or any(standing.cues("allergy")) or any(standing.cues("allergy_after"))):
        return list(found.mentions)
    named = [mention for mention in found.mentions if mention.category is not EntityCategory.ALLERGEN]
    firm = [m for m in named if m.category in MEDICINES or m.category is EntityCategory.DIAGNOSIS]
    allergens = [
        replace(mention, category=EntityCategory.ALLERGEN)
        for mention in [*named, *(one for one in found.allergens if not _overlaps(one, firm))]
        if mention.category in _MAY_BE_ALLERGEN
        and (_in_reach(mention, standing, spoken) or (asked and not _taken(mention, named, standing, spoken)))
    ]
    if not allergens:
        return named
    kept = [m for m in named if not answers.is_allergy(m.normal) and not _overlaps(m, allergens)]
    return sorted([*kept, *allergens], key=lambda mention: mention.start)


def _overlaps(mention: Mention, others: Iterable[Mention]) -> bool:
    return any(mention.start < other.end and other.start < mention.end for other in others)


def _taken(mention: Mention, named: Sequence[Mention], standing: Standing, spoken: Spoken) -> bool:
    """Tell whether it is said to be taken and nothing to come of it: "tomo losartana", not "tomo e me dá coceira"."""
    sentence = spoken.tokens[mention.first].sentence
    taken = any(
        cue.last < mention.first <= cue.last + ALLERGY_AFTER and spoken.tokens[cue.first].sentence == sentence
        for cue in standing.cues("takes")
    )
    return taken and not any(
        other.category is EntityCategory.SYMPTOM and spoken.tokens[other.first].sentence == sentence for other in named
    )


def _in_reach(mention: Mention, standing: Standing, spoken: Spoken) -> bool:
    def together(cue: Match) -> bool:
        return spoken.tokens[cue.last].sentence == spoken.tokens[mention.first].sentence

    return any(
        together(cue) and cue.last < mention.last and mention.first - cue.last <= ALLERGY_BEFORE
        for cue in standing.cues("allergy")
    ) or any(together(cue) and 0 < cue.first - mention.last <= ALLERGY_AFTER for cue in standing.cues("allergy_after"))


def with_bare_numbers(named: list[Mention], found: Mentions, question: Sequence[Entity]) -> list[Mention]:
    """Take a number for a dose behind a medicine or before a frequency, for a value behind what is measured."""
    doses = [mention for mention in named if mention.category is EntityCategory.DOSAGE]
    unit = doses[-1].normal.partition(" ")[2] if doses else ""
    measured = any(_is_measured(one.category, one.normal) for one in named) or any(
        _is_measured(one.category, one.normal) for one in question
    )
    added = list(named)
    for number in found.quantities.numbers:
        if number.value is None or any(m.start < number.end and number.start < m.end for m in named):
            continue
        after_verb = any(number.first == verb + 1 for verb in found.quantities.value_verbs)
        if _is_dose(number, number.value, named, dosed=bool(doses)):
            added.append(_bare(number, EntityCategory.DOSAGE, f"{number.normal} {unit}".strip()))
        elif measured and after_verb and number.value != 1:  # "tive um pouco": an article
            added.append(_bare(number, EntityCategory.MEASUREMENT, number.normal))
    return sorted(added, key=lambda mention: mention.start)


def _is_measured(category: EntityCategory, normal: str) -> bool:
    return category is EntityCategory.EXAMINATION or normal in _MEASURED


def _is_dose(number: Span, value: float, named: Sequence[Mention], *, dosed: bool) -> bool:
    behind = any(m.last + 1 == number.first and m.category in MEDICINES for m in named)
    ahead = any(m.first == number.last + 1 and m.category is EntityCategory.FREQUENCY for m in named)
    return (behind and value >= BARE_DOSE_FROM) or (ahead and dosed)


def _bare(number: Span, category: EntityCategory, normal: str) -> Mention:
    return Mention(
        category, number.first, number.last, number.start, number.end, normal, normal, BARE, value=number.value
    )
