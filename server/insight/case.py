"""A dialogue as far as it has gone: who affirmed, denied or asked what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from ..model.consultation import Role
from ..model.insight import Evidence
from .findings import ALLERGY, Finding, Heard
from .scope import Status

ANSWER_WITHIN_S = 20.0
OVERLAP_S = 0.5
"""An answer that begins earlier than this before the question ends is a listener's noise."""
MIN_TURN_WORDS = 3
TAKES = "takes"


class Case:
    """Built anew from what was found in each utterance, in room order."""

    def __init__(self, heard: Iterable[Heard]) -> None:
        self.mentioned: defaultdict[str, list[Finding]] = defaultdict(list)
        self.affirmed: dict[str, Finding] = {}
        self.plans: list[Finding] = []
        self.allergens: list[Finding] = []
        self.proposals: list[Finding] = []
        self.turn_starts_s: list[float] = []
        question: Heard | None = None
        for one in heard:
            self._add(one, of_relatives=question is not None and question.asks_about_relatives)
            if one.utterance.role is Role.CLINICIAN:
                question = one
            elif question is not None:
                self._answer(question, one)
                if one.words >= MIN_TURN_WORDS or one.answer is not None:
                    question = None

    def turns_since(self, start_s: float) -> int:
        """Return how many turns of more than a word or two began after `start_s`."""
        return sum(1 for turn_s in self.turn_starts_s if turn_s > start_s)

    def by(self, role: Role, name: str) -> list[Finding]:
        """Return what `role` stated of `name`."""
        return [found for found in self.mentioned[name] if found.role is role and found.status is Status.AFFIRMED]

    def _add(self, one: Heard, *, of_relatives: bool) -> None:
        if one.words >= MIN_TURN_WORDS:
            self.turn_starts_s.append(one.utterance.start_s)
        for finding in one.findings:
            self.mentioned[finding.name].append(finding)
            if finding.role is Role.PATIENT and (finding.own or not of_relatives):
                self._state(finding)
        self.plans.extend(one.plans)
        self.allergens.extend(one.allergens)
        self.proposals.extend(one.proposals)

    def _state(self, finding: Finding) -> None:
        if finding.status is Status.AFFIRMED:
            self.affirmed[finding.name] = finding
        elif finding.status is Status.NEGATED:
            # What a patient takes back no longer counts; a tip already given stays.
            self.affirmed.pop(finding.name, None)

    def _answer(self, question: Heard, answer: Heard) -> None:
        wait_s = answer.utterance.start_s - question.utterance.end_s
        if not question.asked or not -OVERLAP_S <= wait_s <= ANSWER_WITHIN_S:
            return
        if answer.answer is Status.NEGATED:
            for asked in question.asked:
                if asked.name not in {f.name for f in answer.findings}:
                    self._state(replace(asked, status=Status.NEGATED, role=Role.PATIENT))
            return
        self._name_allergens(question, answer)
        if answer.answer is not Status.AFFIRMED or answer.utterance.text == "":
            return
        opening = _whole(answer)
        for asked in _only_thing(question.asked):
            self._state(
                replace(
                    asked,
                    status=Status.AFFIRMED,
                    role=Role.PATIENT,
                    start_s=answer.utterance.start_s,
                    evidence=(*asked.evidence, *opening),
                )
            )

    def _name_allergens(self, question: Heard, answer: Heard) -> None:
        asked_allergy = any(asked.name == ALLERGY for asked in question.asked)
        takes = any(found.name == TAKES for found in answer.findings)
        if asked_allergy and not takes:
            self.allergens.extend(m for m in answer.medicines if m.status is Status.AFFIRMED)


def _only_thing(asked: tuple[Finding, ...]) -> list[Finding]:
    """Return the findings of a question that asks about one thing; a yes to several says too little."""
    widest = max(asked, key=lambda found: found.last - found.first)
    inside = [found for found in asked if widest.first <= found.first and found.last <= widest.last]
    return inside if len(inside) == len(asked) else []


def _whole(answer: Heard) -> tuple[Evidence, ...]:
    utterance = answer.utterance
    return (
        Evidence(utterance_id=utterance.id, quote=utterance.text, start_s=utterance.start_s, end_s=utterance.end_s),
    )
