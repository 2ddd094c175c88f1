"""What a report's signature covers, as hashes, and which of it has changed since. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from .consultation import Frozen
from .report import RecordingHash, Report, Signature
from .transcript import Utterance

PartName = Literal["signature", "report", "transcript", "recording"]
PartState = Literal["intact", "changed", "missing"]


class PartCheck(Frozen):
    """One thing that was signed, and whether it is still what it was. `name` is a recording's."""

    part: PartName
    name: str = ""
    state: PartState


def canonical(value: Any) -> bytes:
    """Return JSON in one way alone: keys sorted, no spaces, UTF-8 as it is (RFC 8785, but for numbers)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def sha256(value: Any) -> str:
    """Return the SHA-256 of canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def of_report(report: Report) -> str:
    """Return the hash of a report without its signature."""
    return sha256(report.model_dump(mode="json", exclude={"signature", "status"}))


def of_transcript(said: Iterable[Utterance]) -> str:
    """Return the hash of everything that was said, in room order."""
    ordered = sorted(said, key=lambda one: (one.start_s, one.end_s, one.id))
    return sha256([one.model_dump(mode="json") for one in ordered])


def sign(
    report: Report,
    said: Sequence[Utterance],
    recordings: Mapping[str, str],
    *,
    name: str,
    identity: str,
    signed_at: datetime,
) -> Signature:
    """Return the signature of `report` as it is, of the transcript and of the recordings (SHA-256 by file name)."""
    covered = Signature(
        name=name,
        identity=identity,
        signed_at=signed_at,
        report_sha256=of_report(report),
        transcript_sha256=of_transcript(said),
        recordings=tuple(RecordingHash(name=file, sha256=recordings[file]) for file in sorted(recordings)),
        digest="",
    )
    return covered.model_copy(update={"digest": _digest(covered)})


def verify(report: Report, said: Sequence[Utterance], recordings: Mapping[str, str]) -> tuple[PartCheck, ...]:
    """Return which of what was signed is as it was; nothing for a report that is not signed.

    `recordings` are the SHA-256 of the files as they are now; one that is not among them is missing.
    """
    signature = report.signature
    if signature is None:
        return ()
    checks = [
        _check("signature", signature.digest, _digest(signature)),
        _check("report", signature.report_sha256, of_report(report)),
        _check("transcript", signature.transcript_sha256, of_transcript(said) if said else None),
    ]
    for one in signature.recordings:
        checks.append(_check("recording", one.sha256, recordings.get(one.name), one.name))
    return tuple(checks)


def _digest(signature: Signature) -> str:
    return sha256(signature.model_dump(mode="json", exclude={"digest"}))


def _check(part: PartName, signed: str, now: str | None, name: str = "") -> PartCheck:
    state: PartState = "missing" if now is None else "intact" if now == signed else "changed"
    return PartCheck(part=part, name=name, state=state)
