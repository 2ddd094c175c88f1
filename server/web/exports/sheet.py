"""What Markdown, Word and PDF all show of a report, as clean lines in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from ...model.consultation import Role
from ...model.report import Signature, Statement, Support
from .clean import line
from .dossier import Citation, Dossier, citations, leaving
from .wording import Wording, Written, clock


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what it names."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Said:
    """One place of the transcript, as the list at the end shows it. `mark` is its time, as "12:03"."""

    mark: str
    speaker: str
    quote: str


@dataclass(frozen=True, slots=True)
class Line:
    """A statement and the marks behind it: times of `said`, or the word for what the clinician confirmed."""

    text: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A heading and its statements; without any it says that there are none."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A document. `banner` stands on every page: who signed it, or that nobody did."""

    language: Written
    words: Wording
    title: str
    signed: bool
    banner: str
    reference: str
    facts: tuple[Fact, ...]
    parts: tuple[Part, ...]
    said: tuple[Said, ...]
    confirms: bool
    seal: tuple[Fact, ...]

    @classmethod
    def of(cls, dossier: Dossier) -> Self:
        """Return what may leave of a report."""
        report, words, signature = dossier.report, dossier.words, dossier.signature
        kept = [statement for section in report.sections for statement in leaving(section)]
        cited = {one for statement in kept for one in citations(statement, dossier)}
        ordered = sorted(cited, key=lambda one: (one.start_s, one.end_s, one.quote))
        return cls(
            language=dossier.language,
            words=words,
            title=dossier.title,
            signed=signature is not None,
            banner=_banner(signature, dossier) if signature else words.draft,
            reference=f"{line(report.consultation_id)} · {words.version.lower()} {report.version}",
            facts=_facts(dossier),
            parts=tuple(
                Part(line(section.title), tuple(_line(one, dossier) for one in leaving(section)))
                for section in report.sections
            ),
            said=_once([_said(one, words) for one in ordered]),
            confirms=any(one.support is Support.CONFIRMED for one in kept),
            seal=_seal(signature, dossier) if signature else (),
        )


def _line(statement: Statement, dossier: Dossier) -> Line:
    marks = [clock(one.start_s) for one in citations(statement, dossier)]
    if statement.support is Support.CONFIRMED:
        marks.append(dossier.words.confirmed)
    return Line(line(statement.text), tuple(dict.fromkeys(marks)))


def _said(citation: Citation, words: Wording) -> Said:
    return Said(clock(citation.start_s), words.role(citation.role) if citation.role else "", citation.quote)


def _once(said: Sequence[Said]) -> tuple[Said, ...]:
    """Return each place once: without quotes that stand within another of the same second and speaker."""
    return tuple(
        dict.fromkeys(
            one
            for one in said
            if not any(
                one.quote != other.quote and one.quote in other.quote
                for other in said
                if (one.mark, one.speaker) == (other.mark, other.speaker)
            )
        )
    )


def _facts(dossier: Dossier) -> tuple[Fact, ...]:
    words, report, consultation = dossier.words, dossier.report, dossier.consultation
    facts = (
        Fact(words.patient, dossier.name(Role.PATIENT)),
        Fact(words.clinician, dossier.name(Role.CLINICIAN)),
        Fact(words.consultation, line(consultation.title)),
        Fact(words.date, dossier.shown(consultation.opened_at or consultation.created_at)),
        Fact(words.version, f"{report.version} · {dossier.shown(report.created_at)}"),
    )
    return tuple(fact for fact in facts if fact.value)


def _banner(signature: Signature, dossier: Dossier) -> str:
    at = dossier.shown(signature.signed_at)
    return f"{dossier.words.signed_by} {line(signature.name)} · {at} · SHA-256 {line(signature.digest)[:16]}…"


def _seal(signature: Signature, dossier: Dossier) -> tuple[Fact, ...]:
    words = dossier.words
    facts = (
        Fact(words.signed_by, line(signature.name)),
        Fact(words.identity, line(signature.identity)),
        Fact(words.signed_at, dossier.shown(signature.signed_at)),
        Fact(words.digest, line(signature.digest)),
        Fact(words.report_hash, line(signature.report_sha256)),
        Fact(words.transcript_hash, line(signature.transcript_sha256)),
        *(Fact(f"{words.recording_hash} {line(one.name)}", line(one.sha256)) for one in signature.recordings),
    )
    return tuple(fact for fact in facts if fact.value)
