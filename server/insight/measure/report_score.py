"""How good the drafts by the rules are: proved, holding what the clinician noted, there in time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from ...model.consultation import Role
from ...model.report import Section, Statement
from ...model.transcript import Utterance
from ..drafting.check import Checker
from ..drafting.extractive import draft
from ..drafting.facts import facts
from ..drafting.notes import Notes
from ..drafting.templates import DEFAULT, template
from ..entities.extract import extract
from .consultations import Consultation
from .entity_score import NOTED, share

LONG_WORDS = 15_000
"""A consultation of 90 minutes."""


def reports(held: Sequence[Consultation]) -> dict[str, object]:
    """Return what can be said of the drafts of `held`, and of one as long as all of them together may be."""
    statements = verified = told = 0
    noted = understood = covered = 0
    missed = Counter[str]()
    for one in held:
        notes = Notes(one.utterances)
        sections = draft(notes, template(DEFAULT, notes.language))
        drafted = [statement for section in sections for statement in section.statements]
        statements += len(drafted)
        told += len(facts(notes))
        checker = Checker(Notes(one.utterances), notes.language)
        verified += sum(_is_proved(statement, checker, notes) for statement in drafted)
        if one.note:
            concepts = _concepts(one.note.splitlines(), notes.language)
            said = {entity.normal for entity in notes.entities()}
            stated = _concepts((statement.text for statement in drafted), notes.language)
            noted += len(concepts)
            understood += len(concepts & said)
            covered += len(concepts & stated)
            missed.update(concepts - stated)
    result: dict[str, object] = {
        "drafts": len(held),
        "statements": statements,
        "evidence": share(verified, statements),
        "left_out": told - statements,
    }
    if noted:
        result["note_concepts"] = noted
        result["note_covered"] = share(covered, noted)
        result["note_understood"] = share(understood, noted)
        result["missed"] = dict(missed.most_common())
    return result | _long(held)


def _is_proved(statement: Statement, checker: Checker, notes: Notes) -> bool:
    """Tell whether every quote stands where it is said to stand, and a checker that never saw it passes it."""
    literal = all(
        (said := notes.utterance(one.utterance_id)) is not None and one.quote in said.text for one in statement.evidence
    )
    again = checker.check(Statement(id=statement.id, text=statement.text, evidence=statement.evidence))
    return literal and bool(statement.evidence) and not again.doubts


def _concepts(lines: Iterable[str], language: str) -> frozenset[str]:
    """Return the symptoms, diagnoses, medicines and examinations that a text names."""
    found: set[str] = set()
    for i, line in enumerate(lines):
        said = Utterance(id=f"line-{i}", role=Role.CLINICIAN, start_s=0, end_s=0, text=line, language=language)
        found |= {one.normal for one in extract(said) if one.category in NOTED}
    return frozenset(found)


def _long(held: Sequence[Consultation]) -> dict[str, float]:
    """Return what a consultation of 90 minutes takes: each utterance while it goes on, and the draft at its end."""
    said = list(_one_after_another(held))
    notes = Notes()
    spent = []
    for one in said:
        began = time.process_time()
        notes.hear(one)
        spent.append((time.process_time() - began) * 1000)
    began = time.process_time()
    sections: tuple[Section, ...] = draft(notes, template(DEFAULT, notes.language))
    at_end = time.process_time() - began
    began = time.process_time()
    draft(Notes(said), template(DEFAULT, notes.language))
    return {
        "long_words": sum(len(one.text.split()) for one in said),
        "long_utterances": len(said),
        "long_statements": sum(len(section.statements) for section in sections),
        "long_utterance_p95_ms": round(sorted(spent)[int(0.95 * (len(spent) - 1))], 2) if spent else 0.0,
        "long_draft_s": round(at_end, 2),
        "long_from_nothing_s": round(time.process_time() - began, 2),
    }


def _one_after_another(held: Sequence[Consultation]) -> Iterator[Utterance]:
    words = 0
    first = held[0].language
    for i, one in enumerate(chain.from_iterable(c.utterances for c in held if c.language == first)):
        if words >= LONG_WORDS:
            return
        words += len(one.text.split())
        yield one.model_copy(update={"id": f"long-{i}", "start_s": 4.0 * i, "end_s": 4.0 * i + 3})
