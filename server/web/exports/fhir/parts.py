"""What FHIR resources are made of: codings, references, narratives, moments, and the evidence behind a statement.

Source: FHIR R4 (4.0.1), data types; narrative rules 2.4.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5
from xml.sax.saxutils import escape

from ..clean import line
from ..dossier import Citation
from ..wording import Written, clock

Json = dict[str, Any]

_SPACE = UUID("6f0b6c34-5a0e-5a3e-9d1c-0f6f1d3c5f7a")
_TERMS = "http://terminology.hl7.org/CodeSystem"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
URI = "urn:ietf:rfc:3986"
SHA256 = "urn:oid:2.16.840.1.101.3.4.2.1"
"""The hash function's own identifier, as the system of an identifier whose value is a hash."""
EVIDENCE = "urn:escuta:fhir:evidence"
STATEMENT = "urn:escuta:fhir:statement"

_UNITS = {
    "mg": "mg",
    "g": "g",
    "kg": "kg",
    "mcg": "ug",
    "µg": "ug",
    "ml": "mL",
    "l": "L",
    "cm": "cm",
    "m": "m",
    "%": "%",
}


def identity(*names: object) -> str:
    """Return the id that follows from `names`: the same report makes the same bundle."""
    return str(uuid5(_SPACE, "/".join(map(str, names))))


def coded(system: str, code: str, display: str = "", text: str = "") -> Json:
    """Return a concept of one code. `system`: an address, or a code system's name at terminology.hl7.org."""
    coding = {"system": system if ":" in system else f"{_TERMS}/{system}", "code": code}
    return {"coding": [coding | ({"display": display} if display else {})]} | ({"text": text} if text else {})


def refer(resource: Json, display: str = "") -> Json:
    """Return a reference to a resource of the same bundle."""
    return {"reference": f"urn:uuid:{resource['id']}"} | ({"display": display} if display else {})


def instant(at: datetime) -> str:
    """Return a moment to the millisecond; one without a zone is taken for UTC, as all of ours are."""
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    offset = aware.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        aware = aware.astimezone(UTC)
    return aware.isoformat(timespec="milliseconds")


def narrative(lines: Iterable[str], language: Written, status: str = "generated") -> Json:
    """Return a narrative with a paragraph for each line. Lines are text; nothing in them is markup."""
    return _narrative("".join(f"<p>{_xhtml(one)}</p>" for one in lines), language, status)


def listed(lines: Sequence[tuple[str, Sequence[str]]], language: Written) -> Json:
    """Return a narrative with a list of statements, each with the marks behind it."""
    items = (
        f"<li>{_xhtml(text)}{''.join(f' <small>[{_xhtml(mark)}]</small>' for mark in marks)}</li>"
        for text, marks in lines
    )
    # Resources say a part of it in their own way; the words say all.
    return _narrative(f"<ul>{''.join(items)}</ul>", language, "additional")


def _narrative(inside: str, language: Written, status: str) -> Json:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml" xml:lang="{language}" lang="{language}">{inside}</div>'
    return {"status": status, "div": div}


def _xhtml(text: str) -> str:
    return escape(line(text))


def evidence(citations: Iterable[Citation]) -> list[Json]:
    """Return an extension for each place where it was said; times are seconds on the room clock."""
    return [_evidence(one) for one in citations]


def _evidence(citation: Citation) -> Json:
    texts = {"utterance": line(citation.utterance_id), "quote": citation.quote}
    times = {"start": citation.start_s, "end": citation.end_s}
    return {
        "url": EVIDENCE,
        "extension": [
            *({"url": name, "valueString": text} for name, text in texts.items() if text),
            *({"url": name, "valueDecimal": round(time, 3)} for name, time in times.items()),
        ],
    }


def quoted(citations: Iterable[Citation]) -> list[Json]:
    """Return each place as a concept of words alone: "[12:03] what was said"."""
    return [{"text": f"[{clock(one.start_s)}] {one.quote}".rstrip()} for one in citations]


def quantity(value: float, unit: str) -> Json:
    """Return a quantity; its unit is coded where it is one of UCUM's."""
    exact: float | int = int(value) if value.is_integer() else value
    code = _UNITS.get(unit.lower())
    return {"value": exact} | ({"unit": unit} if unit else {}) | ({"system": UCUM, "code": code} if code else {})
