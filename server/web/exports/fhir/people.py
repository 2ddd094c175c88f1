"""Who met, and the encounter itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from ....model.consultation import ConsultationStatus, Role
from ..clean import line
from ..dossier import Dossier
from .parts import Json, identity, instant, narrative, refer

_ENCOUNTER_STATUS = {
    ConsultationStatus.SCHEDULED: "planned",
    ConsultationStatus.LIVE: "in-progress",
    ConsultationStatus.ENDED: "finished",
}


@dataclass(frozen=True, slots=True)
class People:
    """The patient, who led the consultation, who signed (the same, or somebody else), and their encounter."""

    patient: Json
    clinician: Json
    signer: Json
    encounter: Json

    @classmethod
    def of(cls, dossier: Dossier) -> Self:
        """Return them; who never came has no name."""
        words = dossier.words
        there = {role: line(one.identity) for role, one in dossier.people.items()}
        patient = _person("Patient", words.patient, dossier.name(Role.PATIENT), there.get(Role.PATIENT, ""), dossier)
        led_by = there.get(Role.CLINICIAN, "")
        clinician = _person("Practitioner", words.clinician, dossier.name(Role.CLINICIAN), led_by, dossier)
        signer, signature = clinician, dossier.signature
        if signature and line(signature.identity) != led_by:
            signer = _person("Practitioner", words.signed_by, line(signature.name), line(signature.identity), dossier)
        return cls(patient, clinician, signer, _encounter(patient, clinician, dossier))

    def all(self) -> tuple[Json, ...]:
        """Return each resource once."""
        signer = () if self.signer is self.clinician else (self.signer,)
        return (self.patient, self.clinician, *signer, self.encounter)

    def who(self, role: Role | None) -> Json | None:
        """Return a reference to whoever sat there."""
        if role is None:
            return None
        return refer(self.patient if role is Role.PATIENT else self.clinician)


def _person(kind: str, called: str, name: str, known_as: str, dossier: Dossier) -> Json:
    named = {"name": [{"text": name}]} if name else {}
    identified = {"identifier": [{"value": known_as}]} if known_as else {}
    return {
        "resourceType": kind,
        "id": identity(dossier.report.consultation_id, kind, known_as or called),
        "text": narrative([f"{called}: {name}" if name else called], dossier.language),
        **identified,
        **named,
    }


def _encounter(patient: Json, clinician: Json, dossier: Dossier) -> Json:
    consultation = dossier.consultation
    times = {"start": consultation.opened_at, "end": consultation.ended_at if consultation.opened_at else None}
    period = {name: instant(at) for name, at in times.items() if at}
    title = line(consultation.title) or dossier.words.consultation
    return {
        "resourceType": "Encounter",
        "id": identity(dossier.report.consultation_id, "Encounter"),
        "text": narrative([title], dossier.language),
        "identifier": [{"value": line(consultation.id)}],
        "status": _ENCOUNTER_STATUS[consultation.status],
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": "VR",
            "display": "virtual",
        },
        "subject": refer(patient),
        "participant": [{"individual": refer(clinician)}],
        **({"period": period} if period else {}),
    }
