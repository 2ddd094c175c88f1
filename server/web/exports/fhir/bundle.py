"""The whole document, and its check against FHIR's own definitions."""

from __future__ import annotations

import json

from pydantic import ValidationError

from ..dossier import Dossier
from .clinical import Chart
from .composition import composition, document_id
from .findings import findings
from .parts import URI, Json, instant
from .people import People
from .provenance import provenances


class InvalidBundle(Exception):
    """A bundle that breaks FHIR's rules; the message names where, never what stands there."""


def to_fhir(dossier: Dossier) -> Json:
    """Return the report as a FHIR R4 bundle of type document. Not validated: see `validated`."""
    people = People.of(dossier)
    chart = Chart(dossier, people)
    sections = [
        [resource for finding in section if (resource := chart.resource(finding))] for section in findings(dossier)
    ]
    head = composition(dossier, people, sections)
    stated = {one["id"]: one for section in sections for one in section}
    resources = [head, *people.all(), *stated.values(), *provenances(dossier, people, head)]
    report, signature = dossier.report, dossier.signature
    name = document_id(report, signature)
    return {
        "resourceType": "Bundle",
        "id": name,
        "language": dossier.language,
        "identifier": {"system": URI, "value": f"urn:uuid:{name}"},
        "type": "document",
        "timestamp": instant(signature.signed_at if signature else report.created_at),
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources],
    }


def validated(bundle: Json) -> bytes:
    """Return `bundle` as JSON.

    The package's R4B models (4.3.0) stand for R4 (4.0.1): of the resources used here both define the same elements.

    Raises:
        InvalidBundle: If an element is unknown, missing, too often there or of the wrong type.
    """
    from fhir.resources.R4B.bundle import Bundle  # Here: the first use takes 0.3 s and 10 MiB.

    try:
        Bundle.model_validate(bundle)
    except ValidationError as error:
        places = {".".join(map(str, one["loc"])) for one in error.errors(include_input=False, include_context=False)}
        raise InvalidBundle(f"The FHIR bundle is invalid at {', '.join(sorted(places))}.") from None
    return json.dumps(bundle, ensure_ascii=False, allow_nan=False).encode()
