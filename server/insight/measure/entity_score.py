"""Entities found against entities marked: precision, recall and F1 by category, and how often the assertion agrees."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...model.entities import Assertion, Entity, EntityCategory
from ...model.transcript import Utterance
from ..entities.extract import extract
from ..text import tokenize
from .consultations import Consultation, Marked

BEFORE = 3
STANDS = frozenset(
    {
        EntityCategory.SYMPTOM,
        EntityCategory.DIAGNOSIS,
        EntityCategory.MEDICATION,
        EntityCategory.MEDICATION_CLASS,
        EntityCategory.EXAMINATION,
        EntityCategory.TREATMENT,
        EntityCategory.SUBSTANCE,
        EntityCategory.ALLERGEN,
    }
)
"""Categories whose assertion is judged."""
_OPEN = (Assertion.ASKED, Assertion.SUPPOSED)
NOTED = (
    EntityCategory.SYMPTOM,
    EntityCategory.DIAGNOSIS,
    EntityCategory.MEDICATION,
    EntityCategory.MEDICATION_CLASS,
    EntityCategory.EXAMINATION,
)


@dataclass(slots=True)
class Score:
    """Counts over any number of consultations, and what went wrong."""

    right: Counter[EntityCategory] = field(default_factory=Counter)
    missed: Counter[EntityCategory] = field(default_factory=Counter)
    false: Counter[EntityCategory] = field(default_factory=Counter)
    exact: int = 0
    judged: int = 0
    agreed: int = 0
    wrong: list[str] = field(default_factory=list)

    def table(self) -> dict[str, dict[str, float]]:
        """Return precision, recall and F1 for each category and all of them."""
        categories = sorted({*self.right, *self.missed, *self.false})
        rows = {c.value: figures(self.right[c], self.missed[c], self.false[c]) for c in categories}
        rows["all"] = figures(self.right.total(), self.missed.total(), self.false.total())
        return rows

    def summary(self) -> dict[str, object]:
        """Return everything as one JSON object."""
        return {
            "entities": self.table(),
            "same_words": share(self.exact, self.right.total()),
            "assertion": share(self.agreed, self.judged),
            "assertions_judged": self.judged,
            "wrong": self.wrong,
        }


def figures(right: int, missed: int, false: int) -> dict[str, float]:
    """Return precision, recall, F1 and how many were marked."""
    precision, recall = share(right, right + false), share(right, right + missed)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": precision, "recall": recall, "f1": round(f1, 3), "marked": right + missed}


def share(part: int, whole: int) -> float:
    """Return a share of one, rounded; 1 of nothing."""
    return round(part / whole, 3) if whole else 1.0


def understood(utterances: Sequence[Utterance]) -> list[Entity]:
    """Return the entities of a whole consultation, each as its last word on it."""
    latest: dict[str, Entity] = {}
    for i, utterance in enumerate(utterances):
        for entity in extract(utterance, utterances[max(0, i - BEFORE) : i]):
            latest[entity.id] = entity
    return list(latest.values())


def score(consultation: Consultation, into: Score) -> None:
    """Add how well `consultation` is understood."""
    found = understood(consultation.utterances)
    if consultation.everywhere:
        _by_place(consultation, found, into)
    else:
        _by_words(consultation, found, into)


def _by_place(consultation: Consultation, found: Sequence[Entity], into: Score) -> None:
    open_ones = list(found)
    for marked in consultation.marked:
        match = next((one for one in open_ones if _same_place(marked, one)), None)
        if match is None:
            into.missed[marked.category] += 1
            into.wrong.append(f"{consultation.name}: missed {marked.category.value} {marked.text!r}")
            continue
        open_ones.remove(match)
        into.right[marked.category] += 1
        into.exact += (match.start, match.end) == (marked.start, marked.end)
        if marked.category in STANDS:
            _judge(consultation, marked, match.assertion, match.assertion is marked.assertion, into)
    for one in open_ones:
        into.false[one.category] += 1
        into.wrong.append(f"{consultation.name}: false {one.category.value} {one.text!r} ({one.normal})")


def _same_place(marked: Marked, one: Entity) -> bool:
    return (
        one.category is marked.category
        and one.utterance_id == marked.utterance_id
        and one.start < marked.end
        and marked.start < one.end
    )


def _judge(consultation: Consultation, marked: Marked, said: Assertion, agrees: bool, into: Score) -> None:
    into.judged += 1
    into.agreed += agrees
    if not agrees:
        into.wrong.append(f"{consultation.name}: {marked.text!r} is {marked.assertion.value}, not {said.value}")


def _by_words(consultation: Consultation, found: Sequence[Entity], into: Score) -> None:
    """Compare what was said at all: the list holds each thing once, without its place, and only settled ones."""
    listed = {marked.category for marked in consultation.marked}
    named: defaultdict[tuple[EntityCategory, str], list[Entity]] = defaultdict(list)
    for one in found:
        if one.category in listed:
            named[one.category, one.normal].append(one)
    used = set()
    for marked in consultation.marked:
        means = _meanings(marked, consultation)
        matches = {
            key: ones
            for key, ones in named.items()
            if key[0] is marked.category and (key[1] in means or _shares_words(marked, ones))
        }
        if not matches:
            into.missed[marked.category] += 1
            into.wrong.append(f"{consultation.name}: missed {marked.category.value} {marked.text!r}")
            continue
        used |= set(matches)
        into.right[marked.category] += 1
        into.exact += any(one.text.lower() == marked.text.lower() for ones in matches.values() for one in ones)
        said = _last_word(max(matches.values(), key=lambda ones: _overlap(marked, ones)))
        affirmed = said in (Assertion.AFFIRMED, Assertion.PAST, Assertion.POSSIBLE)
        _judge(consultation, marked, said, affirmed == (marked.assertion is Assertion.AFFIRMED), into)
    for key, ones in named.items():
        if key not in used and _last_word(ones) not in _OPEN:
            into.false[key[0]] += 1
            into.wrong.append(f"{consultation.name}: not listed {key[0].value} {ones[-1].text!r} ({key[1]})")


def _meanings(marked: Marked, consultation: Consultation) -> frozenset[str]:
    """Return the normal forms of a marked text by itself: what is misheard is right where its concept is."""
    alone = consultation.utterances[0].model_copy(update={"id": "marked", "text": marked.text})
    return frozenset(one.normal for one in extract(alone))


def _words(text: str) -> frozenset[str]:
    return frozenset(token.norm for token in tokenize(text).tokens)


def _overlap(marked: Marked, ones: Sequence[Entity]) -> float:
    words = _words(marked.text)
    return max(len(words & _words(one.text)) / len(words | _words(one.text)) for one in ones)


def _shares_words(marked: Marked, ones: Sequence[Entity]) -> bool:
    words = _words(marked.text)
    return any(words <= _words(one.text) or _words(one.text) <= words for one in ones)


def _last_word(ones: Sequence[Entity]) -> Assertion:
    settled = [one.assertion for one in ones if one.assertion not in _OPEN]
    return settled[-1] if settled else Assertion.ASKED


def of_note(consultation: Consultation) -> tuple[list[str], list[str]]:
    """Return the concepts of the clinician's note, and those of them that the dialogue gave nothing for."""
    said = {one.normal for one in understood(consultation.utterances)}
    lines = [line for line in consultation.note.splitlines() if line.strip()]
    noted: dict[str, None] = {}
    for i, line in enumerate(lines):
        utterance = consultation.utterances[0].model_copy(update={"id": f"note-{i}", "text": line})
        noted |= dict.fromkeys(one.normal for one in extract(utterance) if one.category in NOTED)
    return list(noted), [concept for concept in noted if concept not in said]
