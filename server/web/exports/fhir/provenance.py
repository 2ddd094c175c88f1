"""Who made the document, and who signed it, when and over what."""

from __future__ import annotations

from collections.abc import Iterator

from ....model.report import Signature
from ..clean import line
from ..dossier import Dossier
from ..sheet import Sheet
from .parts import SHA256, Json, coded, identity, instant, narrative, refer
from .people import People

_AGENT = "provenance-participant-type"
_MADE = coded("v3-DataOperation", "CREATE", "create")
_SIGNED = coded("v3-DocumentCompletion", "AU", "authenticated")


def provenances(dossier: Dossier, people: People, head: Json) -> Iterator[Json]:
    """Return who made the document `head` begins and, of a signed one, who signed it with which hashes."""
    report, signature = dossier.report, dossier.signature
    made_by = f"Escuta ({line(report.model) or line(report.template)})"
    yield {
        **_start(dossier, head, "made", made_by),
        "recorded": instant(report.created_at),
        "activity": _MADE,
        "agent": [{"type": coded(_AGENT, "assembler", "Assembler"), "who": {"display": made_by}}],
    }
    if signature:
        yield _signing(signature, dossier, people, head)


def _signing(signature: Signature, dossier: Dossier, people: People, head: Json) -> Json:
    who, at = refer(people.signer, line(signature.name)), instant(signature.signed_at)
    hashes = list(_hashes(signature, dossier))
    return {
        **_start(dossier, head, "signed", *(f"{fact.label}: {fact.value}" for fact in Sheet.of(dossier).seal)),
        "recorded": at,
        "activity": _SIGNED,
        "agent": [{"type": coded(_AGENT, "attester", "Attester"), "who": who}],
        **({"entity": hashes} if hashes else {}),
        # By name and time: there is no key, so the signature has no bytes.
        "signature": [
            {
                "type": coded("urn:iso-astm:E1762-95:2013", "1.2.840.10065.1.12.1.1", "Author's Signature")["coding"],
                "when": at,
                "who": who,
            }
        ],
    }


def _hashes(signature: Signature, dossier: Dossier) -> Iterator[Json]:
    words = dossier.words
    named = [
        (words.digest, signature.digest),
        (words.report_hash, signature.report_sha256),
        (words.transcript_hash, signature.transcript_sha256),
        *((f"{words.recording_hash} {line(one.name)}".rstrip(), one.sha256) for one in signature.recordings),
    ]
    for name, value in named:
        if line(value):
            identifier = {"system": SHA256, "value": line(value)}
            yield {"role": "source", "what": {"identifier": identifier, "display": name}}


def _start(dossier: Dossier, head: Json, what: str, *says: str) -> Json:
    report = dossier.report
    return {
        "resourceType": "Provenance",
        "id": identity(report.consultation_id, report.version, "Provenance", what),
        "text": narrative(says, dossier.language),
        "target": [refer(head)],
    }
