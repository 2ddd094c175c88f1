"""What a case calls for: each function turns one kind of rule into tips."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator

from ..model.consultation import Role
from ..model.insight import Audience, Evidence, Tip, TipKind
from .case import Case
from .findings import PRESCRIBES, Finding
from .knowledge_file import Group, Knowledge, Medicine

NAME = "rules"
MAX_FOLLOW_UPS = 2
SOON_S = 20.0


def red_flags(case: Case, knowledge: Knowledge) -> Iterator[Tip]:
    """Urgent constellations, put together from any utterances of the patient that lie near enough."""
    for rule in knowledge.red_flag:
        present = _one_of_each(case, rule.all)
        if len(present) < len(rule.all):
            continue
        starts = [finding.start_s for finding in present]
        if max(starts) - min(starts) <= rule.window_s:
            yield _tip(TipKind.RED_FLAG, rule.subject, rule.text, present, urgent=rule.urgent)


def allergy_conflicts(case: Case, knowledge: Knowledge) -> Iterator[Tip]:
    """A medicine proposed to someone who said not to tolerate it, or one of its family."""
    by_id = {medicine.id: medicine for medicine in knowledge.medicines}
    for allergen in case.allergens:
        for proposal in case.proposals:
            a, b = by_id[allergen.name], by_id[proposal.name]
            if a.id == b.id or set(a.families) & set(b.families):
                text = knowledge.allergy_conflict.text.format(allergen=a.name, medicine=b.name)
                yield _tip(TipKind.RED_FLAG, f"allergy_conflict.{b.id}", text, [allergen, proposal], urgent=True)


def conflicts(case: Case, knowledge: Knowledge) -> Iterator[Tip]:
    """A medicine proposed to someone whose condition or other medicine speaks against it."""
    by_id = {medicine.id: medicine for medicine in knowledge.medicines}
    for rule in knowledge.conflict:
        condition = _latest(case, rule.given)
        for proposal in case.proposals if condition is not None else ():
            medicine: Medicine = by_id[proposal.name]
            if condition is not None and set(medicine.families) & set(rule.families):
                text = rule.text.format(medicine=medicine.name)
                yield _tip(TipKind.RED_FLAG, rule.subject, text, [condition, proposal], urgent=True)
                break


def unasked(case: Case, knowledge: Knowledge) -> Iterator[Tip]:
    """What nobody has spoken of although the clinician has come to where it matters."""
    for rule in knowledge.unasked:
        if len(case.turn_starts_s) < rule.after_turns or any(case.mentioned[name] for name in rule.unless):
            continue
        occasion = [finding for name in rule.when for finding in case.by(Role.CLINICIAN, name)]
        if PRESCRIBES in rule.when:
            occasion += case.proposals
        grounds = _latest(case, rule.given) if rule.given else None
        if occasion and (grounds is not None or not rule.given):
            yield _tip(TipKind.QUESTION, rule.subject, rule.text, [f for f in (grounds, occasion[-1]) if f is not None])


def actions(case: Case, knowledge: Knowledge) -> Iterator[Tip]:
    """What the clinician announced, so that it isn't forgotten."""
    for rule in knowledge.action:
        for plan in case.plans:
            if plan.name == rule.concept and (not rule.after or _soon_after(case, rule.after, plan)):
                text = rule.text.format(quote=plan.evidence[0].quote)
                yield _tip(TipKind.ACTION, rule.subject, text, [plan])
                break


def explanations(case: Case, knowledge: Knowledge) -> Iterator[Tip]:
    """Plain words for the patient about what the clinician announced."""
    for rule in knowledge.explanation:
        plan = next((plan for plan in case.plans if plan.name == rule.concept), None)
        if plan is not None:
            yield _tip(TipKind.EXPLANATION, rule.subject, rule.text, [plan])


def follow_ups(case: Case, knowledge: Knowledge, given: set[str]) -> Iterator[Tip]:
    """Aspects of a symptom that nobody has come to within some turns."""
    left = MAX_FOLLOW_UPS - sum(1 for rule in knowledge.follow_up if rule.subject in given)
    for rule in knowledge.follow_up:
        symptom = _earliest(case, rule.when)
        if left <= 0 or symptom is None or case.turns_since(symptom.start_s) < rule.after_turns:
            continue
        missing = [aspect.ask for aspect in rule.aspects if not case.mentioned[aspect.concept]]
        if missing and rule.subject not in given:
            left -= 1
            yield _tip(TipKind.QUESTION, rule.subject, rule.text.format(missing=", ".join(missing)), [symptom])


def _soon_after(case: Case, name: str, plan: Finding) -> bool:
    return any(
        said.role is Role.PATIENT and 0 <= plan.start_s - said.start_s <= SOON_S for said in case.mentioned[name]
    )


def _one_of_each(case: Case, groups: tuple[Group, ...]) -> list[Finding]:
    """Return the latest finding of each group, a different one for each where there is."""
    found: list[Finding] = []
    for group in groups:
        taken = {finding.name for finding in found}
        finding = _latest(case, tuple(name for name in group if name not in taken)) or _latest(case, group)
        if finding is not None:
            found.append(finding)
    return found


def _latest(case: Case, group: Group) -> Finding | None:
    found = [case.affirmed[name] for name in group if name in case.affirmed]
    return max(found, key=lambda finding: finding.start_s, default=None)


def _earliest(case: Case, group: Group) -> Finding | None:
    found = [finding for name in group if name in case.affirmed for finding in case.by(Role.PATIENT, name)]
    return min(found, key=lambda finding: finding.start_s, default=None)


def _tip(kind: TipKind, subject: str, text: str, grounds: Iterable[Finding], *, urgent: bool = False) -> Tip:
    cited = {(e.utterance_id, e.quote): e for finding in grounds for e in finding.evidence}
    evidence: list[Evidence] = sorted(cited.values(), key=lambda e: e.start_s)
    return Tip(
        id=uuid.uuid4().hex,
        kind=kind,
        audience=Audience.CLINICIAN,
        text=text,
        urgent=urgent,
        subject=subject,
        evidence=tuple(evidence),
        model=NAME,
    )
