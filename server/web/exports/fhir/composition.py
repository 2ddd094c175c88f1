"""The document's head and its sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....model.consultation import Role
from ....model.report import Report, Section, Signature, Statement
from ..clean import line
from ..dossier import Dossier, citations, leaving
from ..sheet import Line, Sheet
from .parts import LOINC, STATEMENT, URI, Json, coded, evidence, identity, instant, listed, narrative, refer
from .people import People

_NOTE = ("11488-4", "Consult note")
_TYPES: Mapping[str, tuple[str, str]] = {
    "soap": ("11506-3", "Progress note"),
    "referral": ("57133-1", "Referral note"),
    "patient": ("34133-9", "Summary of episode note"),
}
"""LOINC's kinds of document, by template."""


def document_id(report: Report, signature: Signature | None) -> str:
    """Return the id that a version's bundle has, whenever it is made; another one once it is signed."""
    return identity(report.consultation_id, report.version, signature.digest if signature else "", "Bundle")


def composition(dossier: Dossier, people: People, entries: Sequence[Sequence[Json]]) -> Json:
    """Return the head; `entries`: the resources that each section states."""
    report, signature = dossier.report, dossier.signature
    sheet = Sheet.of(dossier)
    code, display = _TYPES.get(report.template, _NOTE)
    head = [sheet.title, sheet.banner, *(f"{fact.label}: {fact.value}" for fact in (*sheet.facts, *sheet.seal))]
    sections = [
        _section(section, part.title, part.lines, coded_entries, dossier)
        for section, part, coded_entries in zip(report.sections, sheet.parts, entries, strict=True)
    ]
    return {
        "resourceType": "Composition",
        "id": identity(report.consultation_id, report.version, "Composition"),
        "language": dossier.language,
        "text": narrative(head, dossier.language),
        "identifier": {"system": URI, "value": f"urn:uuid:{identity(report.consultation_id, 'document')}"},
        "status": "final" if signature else "preliminary",
        "type": coded(LOINC, code, display),
        "subject": refer(people.patient, dossier.name(Role.PATIENT)),
        "encounter": refer(people.encounter),
        "date": instant(signature.signed_at if signature else report.created_at),
        "author": [refer(people.clinician, dossier.name(Role.CLINICIAN))],
        "title": sheet.title,
        **({"attester": [_attester(signature, people)]} if signature else {}),
        **({"section": sections} if sections else {}),
    }


def _attester(signature: Signature, people: People) -> Json:
    who = refer(people.signer, line(signature.name))
    return {"mode": "professional", "time": instant(signature.signed_at), "party": who}


def _section(section: Section, title: str, lines: Sequence[Line], entries: Sequence[Json], dossier: Dossier) -> Json:
    code = line(section.code)
    shown = (
        listed([(one.text, one.marks) for one in lines], dossier.language)
        if lines
        else narrative([dossier.words.nothing], dossier.language)
    )
    statements = [_statement(one, dossier) for one in leaving(section)]
    return {
        **({"extension": statements} if statements else {}),
        "title": title or dossier.words.report,
        **({"code": coded(LOINC, code)} if code else {}),
        "text": shown,
        **({"entry": [refer(one) for one in entries]} if entries else {}),
    }


def _statement(statement: Statement, dossier: Dossier) -> Json:
    texts = {"id": line(statement.id), "text": line(statement.text)}
    return {
        "url": STATEMENT,
        "extension": [
            *({"url": name, "valueString": text} for name, text in texts.items() if text),
            {"url": "support", "valueCode": statement.support.value},
            {"url": "origin", "valueCode": statement.origin.value},
            *evidence(citations(statement, dossier)),
        ],
    }
