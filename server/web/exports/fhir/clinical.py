"""Conditions, medicines, allergies, observations and family history, of what a report's statements state.

What a code would claim beyond the words is left to the words: what was only asked or supposed, what a relative has but
as family history, what the plan says not to take, and treatments and examinations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ....model.consultation import Role
from ....model.entities import Assertion, EntityCategory
from ..clean import line
from ..dossier import Dossier
from ..wording import Written
from .findings import MEDICINES, Finding, called
from .parts import Json, coded, evidence, identity, instant, narrative, quantity, quoted, refer
from .people import People

_CONDITION = {"clinical": "condition-clinical", "verification": "condition-ver-status"}
_ALLERGY = {"clinical": "allergyintolerance-clinical", "verification": "allergyintolerance-verification"}
_HELD = (Assertion.AFFIRMED, Assertion.POSSIBLE, Assertion.PAST)
_TOLD: dict[Written, dict[str, str]] = {
    "pt": {"past": "no passado", "possible": "possível", "allergy": "Alergia a {}", "relative": "familiar"},
    "en": {"past": "in the past", "possible": "possible", "allergy": "Allergy to {}", "relative": "family member"},
}


@dataclass(frozen=True, slots=True)
class Chart:
    """Writes findings of one report as resources."""

    dossier: Dossier
    people: People

    def resource(self, finding: Finding) -> Json | None:
        """Return the resource that says what `finding` does and no more; None where only words can."""
        category, assertion = finding.entity.category, finding.entity.assertion
        if assertion in (Assertion.ASKED, Assertion.SUPPOSED):
            return None
        if assertion is Assertion.FAMILY:
            return self._family(finding) if category is EntityCategory.DIAGNOSIS else None
        if category in MEDICINES:
            return self._medicine(finding)
        if category is EntityCategory.ALLERGEN:
            return self._allergy(finding) if assertion in _HELD else self._denied_allergy(finding)
        if category is EntityCategory.DIAGNOSIS and (assertion in _HELD or finding.informant is Role.CLINICIAN):
            return self._condition(finding)
        if category in (EntityCategory.SYMPTOM, EntityCategory.DIAGNOSIS, EntityCategory.SUBSTANCE):
            return self._observation(finding, finding.name, self._presence(finding))
        return self._measurement(finding) if category is EntityCategory.MEASUREMENT else None

    def _start(self, kind: str, finding: Finding, says: str) -> Json:
        report = self.dossier.report
        return {
            "resourceType": kind,
            "id": identity(report.consultation_id, report.version, kind, *finding.key),
            "text": narrative([says, *(one["text"] for one in quoted(finding.citations))], self.dossier.language),
            **({"extension": evidence(finding.citations)} if finding.citations else {}),
        }

    def _told(self, what: str) -> str:
        return _TOLD[self.dossier.language][what]

    def _sure(self, finding: Finding) -> bool:
        # Signed by who said so. What a patient tells of illnesses is theirs until somebody has looked.
        return self.dossier.signature is not None and finding.informant is Role.CLINICIAN

    def _by(self, element: str, finding: Finding) -> Json:
        who = self.people.who(finding.informant)
        return {element: who} if who else {}

    def _condition(self, finding: Finding) -> Json:
        assertion = finding.entity.assertion
        clinical = {Assertion.AFFIRMED: "active", Assertion.PAST: "inactive", Assertion.POSSIBLE: "active"}.get(
            assertion
        )
        verification = "confirmed" if self._sure(finding) else "unconfirmed"
        if assertion is Assertion.POSSIBLE:
            verification = "provisional"
        if assertion is Assertion.NEGATED:
            verification = "refuted"
        shown = {"evidence": [{"code": quoted(finding.citations)}]} if finding.citations else {}
        return {
            **self._start("Condition", finding, finding.name),
            **({"clinicalStatus": coded(_CONDITION["clinical"], clinical)} if clinical else {}),
            "verificationStatus": coded(_CONDITION["verification"], verification),
            "code": {"text": finding.name},
            "subject": refer(self.people.patient),
            "encounter": refer(self.people.encounter),
            "recordedDate": instant(self.dossier.report.created_at),
            **self._by("asserter", finding),
            **shown,
        }

    def _allergy(self, finding: Finding) -> Json:
        past = finding.entity.assertion is Assertion.PAST
        verification = "confirmed" if self._sure(finding) and not past else "unconfirmed"
        return {
            **self._start("AllergyIntolerance", finding, self._told("allergy").format(finding.name)),
            "clinicalStatus": coded(_ALLERGY["clinical"], "inactive" if past else "active"),
            "verificationStatus": coded(_ALLERGY["verification"], verification),
            "code": {"text": finding.name},
            "patient": refer(self.people.patient),
            "encounter": refer(self.people.encounter),
            "recordedDate": instant(self.dossier.report.created_at),
            **self._by("asserter", finding),
        }

    def _denied_allergy(self, finding: Finding) -> Json:
        # "Refuted" would claim a test: what is known is what was said.
        return self._observation(finding, self._told("allergy").format(finding.name), {"valueBoolean": False})

    def _medicine(self, finding: Finding) -> Json | None:
        assertion = finding.entity.assertion
        if finding.planned and assertion is not Assertion.AFFIRMED:
            return None
        taken = "active" if finding.informant is Role.PATIENT else "unknown"
        status = {Assertion.NEGATED: "not-taken", Assertion.PAST: "stopped", Assertion.POSSIBLE: "unknown"}
        dosage = self._dosage(finding)
        return {
            **self._start("MedicationStatement", finding, f"{finding.name} {dosage.get('text', '')}"),
            "status": "intended" if finding.planned else status.get(assertion, taken),
            "medicationCodeableConcept": {"text": finding.name},
            "subject": refer(self.people.patient),
            "context": refer(self.people.encounter),
            "dateAsserted": instant(self.dossier.report.created_at),
            **self._by("informationSource", finding),
            **({"dosage": [dosage]} if dosage else {}),
        }

    def _dosage(self, finding: Finding) -> Json:
        if not finding.doses:
            return {}
        text = ", ".join(
            called(one) if one.category is EntityCategory.DOSAGE else line(one.text) for one in finding.doses
        )
        exact = [
            one for one in finding.doses if one.category is EntityCategory.DOSAGE and is_number(one.value) and one.unit
        ]
        # Of two doses none is the dose.
        dose = quantity(float(exact[0].value or 0), exact[0].unit) if len(exact) == 1 else None
        return {"text": text} | ({"doseAndRate": [{"doseQuantity": dose}]} if dose else {}) if text else {}

    def _presence(self, finding: Finding) -> Json:
        if finding.entity.assertion is Assertion.POSSIBLE:
            return {"valueCodeableConcept": {"text": self._told("possible")}}
        if finding.entity.assertion is Assertion.PAST:
            return {"valueCodeableConcept": {"text": self._told("past")}}
        return {"valueBoolean": finding.entity.assertion is Assertion.AFFIRMED}

    def _measurement(self, finding: Finding) -> Json | None:
        if not finding.of or finding.entity.assertion is not Assertion.AFFIRMED:
            return None
        entity = finding.entity
        if is_number(entity.value) and entity.unit:
            value: Json = {"valueQuantity": quantity(float(entity.value or 0), entity.unit)}
        else:
            value = {"valueString": finding.name}
        return self._observation(finding, finding.of[0], value)

    def _observation(self, finding: Finding, what: str, value: Json) -> Json:
        consultation = self.dossier.consultation
        social = finding.entity.category is EntityCategory.SUBSTANCE
        who = self.people.who(finding.informant)
        return {
            **self._start("Observation", finding, what if "valueString" not in value else f"{what}: {finding.name}"),
            "status": "final" if self.dossier.signature else "preliminary",
            **({"category": [coded("observation-category", "social-history", "Social History")]} if social else {}),
            "code": {"text": what},
            "subject": refer(self.people.patient),
            "encounter": refer(self.people.encounter),
            "effectiveDateTime": instant(consultation.opened_at or consultation.created_at),
            **({"performer": [who]} if who else {}),
            **value,
        }

    def _family(self, finding: Finding) -> Json:
        relative = finding.relative or self._told("relative")
        return {
            **self._start("FamilyMemberHistory", finding, f"{relative}: {finding.name}"),
            "status": "partial",
            "patient": refer(self.people.patient),
            "date": instant(self.dossier.report.created_at),
            "relationship": {"text": relative},
            "condition": [{"code": {"text": finding.name}}],
        }


def is_number(value: float | None) -> bool:
    """Return whether there is a value that JSON can say."""
    return value is not None and math.isfinite(value)
