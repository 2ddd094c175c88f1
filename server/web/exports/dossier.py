"""A report and what a file of it needs to know of the consultation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from math import isfinite

from ...model.consultation import Consultation, Participant, Role
from ...model.insight import Evidence
from ...model.report import Report, Section, Signature, Statement
from ...model.transcript import Utterance
from .clean import line
from .wording import WORDINGS, Wording, Written, moment, written

MAX_QUOTE = 300


@dataclass(frozen=True)
class Dossier:
    """One version of a report, who took part, and the transcript that it quotes. Times are shown in `zone`."""

    report: Report
    consultation: Consultation
    participants: Sequence[Participant] = ()
    utterances: Sequence[Utterance] = ()
    zone: tzinfo | None = None

    @cached_property
    def language(self) -> Written:
        """The language of what the document says of itself."""
        return written(self.report.language, self.utterances)

    @property
    def words(self) -> Wording:
        """The document's own words."""
        return WORDINGS[self.language]

    @property
    def title(self) -> str:
        """What the document is called."""
        return line(self.report.title) or self.words.report

    def shown(self, at: datetime) -> str:
        """Return a moment as the document's language writes it, in the zone wanted or else the one it was kept in."""
        return moment(at.astimezone(self.zone) if self.zone else at, self.language)

    @property
    def signature(self) -> Signature | None:
        """Who signed this version; None of a draft."""
        return self.report.signature if self.report.status == "signed" else None

    @cached_property
    def spoken(self) -> Mapping[str, Utterance]:
        """What was said, by id."""
        return {one.id: one for one in self.utterances}

    @cached_property
    def people(self) -> Mapping[Role, Participant]:
        """Who holds or held each seat."""
        return {one.role: one for one in self.participants}

    def name(self, role: Role) -> str:
        """Return the name of who sat there; empty if nobody did."""
        return line(self.people[role].name) if role in self.people else ""


@dataclass(frozen=True, slots=True)
class Citation:
    """Words that a statement rests on, and when they were said. `role` is None where the transcript lacks them."""

    utterance_id: str
    quote: str
    start_s: float
    end_s: float
    role: Role | None


def leaving(section: Section) -> tuple[Statement, ...]:
    """Return the statements of a section that may leave, in order: never one that nothing supports."""
    return tuple(one for one in section.statements if one.exportable and line(one.text))


def citations(statement: Statement, dossier: Dossier) -> tuple[Citation, ...]:
    """Return where a statement's words were said, in order of time and each place once.

    Evidence of an unknown time is left out: there is nowhere to point to.
    """
    found = {_citation(one, dossier) for one in statement.evidence}
    return tuple(sorted((one for one in found if one), key=lambda one: (one.start_s, one.end_s, one.quote)))


def _is_a_time(start_s: float, end_s: float) -> bool:
    return isfinite(start_s) and isfinite(end_s) and end_s > 0


def _citation(evidence: Evidence, dossier: Dossier) -> Citation | None:
    said = dossier.spoken.get(evidence.utterance_id)
    start_s, end_s = evidence.start_s, evidence.end_s
    if said is not None and not _is_a_time(start_s, end_s):
        start_s, end_s = said.start_s, said.end_s
    if not _is_a_time(start_s, end_s):
        return None
    quote = line(evidence.quote) or line(said.text if said else "")
    if len(quote) > MAX_QUOTE:
        quote = quote[:MAX_QUOTE].rstrip() + "…"
    return Citation(evidence.utterance_id, quote, max(0.0, start_s), max(0.0, end_s), said.role if said else None)
