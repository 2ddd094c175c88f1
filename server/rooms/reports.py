"""Reports: drafted when a consultation ends or when asked for, changed by the clinician, signed, and proved."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from ..insight.drafting import editing
from ..insight.drafting.check import Checker
from ..insight.drafting.notebook import Notebook, Written
from ..insight.drafting.notes import Notes
from ..insight.drafting.templates import template
from ..insight.languages import LANGUAGES
from ..model import seal
from ..model.consultation import Agent
from ..model.errors import Conflict, EscutaError, NotFound
from ..model.events import Event, ReportReady
from ..model.report import Change, Report, ReportVersion, Section, Support
from ..model.transcript import Edition
from .report_archive import CreateNotebook, ReportArchive
from .report_notes import Live, NotesAtHand
from .report_signing import Signing
from .report_writing import Writing
from .turns import Turns

log = structlog.get_logger()

CHANGED_MEANWHILE = "The report was changed meanwhile; read the newest version and do it again."


class Reports:
    """The reports of the consultations that live in this process, as an async context manager.

    Leaving it gives up what a chat model is still writing: the draft by the rules stands.
    """

    def __init__(self, archive: ReportArchive, create_notebook: CreateNotebook, recordings_dir: Path) -> None:
        self.failures = 0
        self._archive = archive
        self._create_notebook = create_notebook
        self._signing = Signing(archive, recordings_dir)
        self._notes = NotesAtHand(archive)
        self._turns = Turns()
        self._writing = Writing()

    async def __aenter__(self) -> Self:
        await self._writing.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._writing.__aexit__(kind, error, trace)

    def notebook(self, consultation_id: str, agent: Agent, publish: Callable[[Event], None]) -> Notebook:
        """Begin the notes of a consultation that is live; `publish` tells its room."""
        notebook = self._create_notebook(agent)
        self._notes.live[consultation_id] = Live(notebook, publish)
        return notebook

    def is_writing(self, consultation_id: str) -> bool:
        """Tell whether a chat model is writing another draft."""
        return self._writing.is_on(consultation_id)

    async def at_end(self, consultation_id: str) -> None:
        """Draft the report of a consultation that has just ended; without a word said there is none. Never raises."""
        live = self._notes.live.get(consultation_id)
        if live is None:
            return
        try:
            if live.notebook.notes.said:
                await self._draft_at_end(consultation_id)
        except Exception as error:  # it is drafted when it is asked for
            self.failures += 1
            reason = str(error) if isinstance(error, EscutaError) else type(error).__name__
            log.warning("report.not_drafted", consultation_id=consultation_id, reason=reason)
        finally:
            self._notes.live.pop(consultation_id, None)
            if not self.is_writing(consultation_id):
                await live.notebook.aclose()

    async def versions(self, consultation_id: str) -> Sequence[ReportVersion]:
        """Return every version, oldest first.

        Raises:
            NotFound: If there is no such consultation.
        """
        await self._archive.consultation(consultation_id)
        return await self._archive.reports.versions(consultation_id)

    async def newest(self, consultation_id: str) -> Report:
        """Return the newest version; the first is drafted now if there is none.

        Raises:
            NotFound: If there is no such consultation, or nothing was said in it.
        """
        await self._archive.consultation(consultation_id)
        return await self._if_missing(consultation_id)

    async def version(self, consultation_id: str, version: int) -> Report:
        """Return one version, or raise NotFound."""
        return await self._archive.reports.version(consultation_id, version)

    async def draft(self, consultation_id: str, name: str | None = None, edition: Edition | None = None) -> Report:
        """Draft a new version, by the agent's template or the one of that name.

        Without an edition it quotes the final transcript if there is one of the whole call, else the live one.

        Raises:
            NotFound: If there is no such consultation, template or transcript.
            Conflict: If another version came meanwhile.
        """
        async with self._turns.of(consultation_id):
            return await self._draft(consultation_id, name, edition)

    async def change(self, consultation_id: str, base: int, changes: Sequence[Change], author: str) -> Report:
        """Return a new version: `base`, the newest, with the clinician's changes.

        Raises:
            NotFound: If there is no such version, statement or section.
            Conflict: If `base` is not the newest version.
        """
        async with self._turns.of(consultation_id):
            report = await self._archive.reports.version(consultation_id, base)
            notes = await self._notes.of(consultation_id, report.edition)
            sections = await asyncio.to_thread(_changed, report, changes, notes)
            made = {"sections": sections, "author": author, "status": "draft", "signature": None}
            return await self._keep(report.model_copy(update=made | _next(report)))

    async def sign(self, consultation_id: str, version: int, name: str, identity: str) -> Report:
        """Seal the newest version by name and time, with the hashes of report, transcript and recordings.

        Raises:
            NotFound: If there is no such version.
            Conflict: If it is not the newest one, or signed already.
        """
        async with self._turns.of(consultation_id):
            return await self._signing.sign(consultation_id, version, name, identity)

    async def verify(self, consultation_id: str, version: int) -> tuple[seal.PartCheck, ...]:
        """Return which of what was signed is as it was; nothing if the version is not signed.

        Raises:
            NotFound: If there is no such version.
        """
        return await self._signing.verify(consultation_id, version)

    async def _if_missing(self, consultation_id: str) -> Report:
        async with self._turns.of(consultation_id):
            newest = await self._archive.reports.newest(consultation_id)
            if newest is not None:
                return newest
            if not await self._notes.anything_said(consultation_id):
                raise NotFound("Nothing was written down in this consultation, so there is no report to draft.")
            return await self._draft(consultation_id, None, None)

    async def _draft_at_end(self, consultation_id: str) -> None:
        """Draft the whole consultation, unless the clinician has worked on a draft of a part of it."""
        async with self._turns.of(consultation_id):
            newest = await self._archive.reports.newest(consultation_id)
            if newest is None or not newest.author:
                await self._draft(consultation_id, newest.template if newest else None, "live")

    async def _draft(self, consultation_id: str, name: str | None, edition: Edition | None) -> Report:
        consultation = await self._archive.consultation(consultation_id)
        agent = await self._archive.agent(consultation.agent_id)
        live = self._notes.live.get(consultation_id)
        edition = edition or await self._notes.edition(consultation_id)
        notebook = live.notebook if live and edition == "live" else self._create_notebook(agent)
        if notebook.notes.said == []:
            notebook.take(await self._notes.of(consultation_id, edition))
        language = consultation.language if consultation.language in LANGUAGES else notebook.notes.language
        form = template(name or agent.report_template, language)
        newest = await self._archive.reports.newest(consultation_id)
        first = Report(
            consultation_id=consultation_id,
            version=1 if newest is None else newest.version + 1,
            template=form.id,
            language="pt" if language == "pt" else "en",
            edition=edition,
            title=form.title,
            sections=await notebook.extract(form),
            created_at=datetime.now(UTC),
        )
        kept = await self._keep(first)
        if notebook.writes:
            self._writing.start(consultation_id, notebook, form, self._keeper(kept), self._closer(kept, notebook))
        elif not live:
            await notebook.aclose()
        return kept

    def _keeper(self, first: Report) -> Callable[[Written], Awaitable[Report]]:
        """Return what keeps a model's draft, if nobody has changed the draft by the rules meanwhile."""
        publish = self._notes.publisher(first.consultation_id)

        async def keep(written: Written) -> Report:
            async with self._turns.of(first.consultation_id):
                made = {"sections": written.sections, "model": written.model}
                return await self._keep(first.model_copy(update=made | _next(first)), publish)

        return keep

    def _closer(self, first: Report, notebook: Notebook) -> Callable[[], Awaitable[None]]:
        async def close() -> None:
            live = self._notes.live.get(first.consultation_id)
            if live is None or live.notebook is not notebook:
                await notebook.aclose()

        return close

    async def _keep(self, report: Report, publish: Callable[[Event], None] | None = None) -> Report:
        if not await self._archive.reports.add(report):
            raise Conflict(CHANGED_MEANWHILE)
        statements = [one for section in report.sections for one in section.statements]
        unsupported = sum(one.support is Support.UNSUPPORTED for one in statements)
        account = {"version": report.version, "statements": len(statements), "unsupported": unsupported}
        log.info("report.kept", consultation_id=report.consultation_id, by=report.model or "rules", **account)
        if not report.author:
            (publish or self._notes.publisher(report.consultation_id))(
                ReportReady(at_s=_said_until(report), template=report.template, model=report.model, **account)
            )
        # As the database has it: a sentence may hold what it cannot.
        return await self._archive.reports.version(report.consultation_id, report.version)


def _changed(report: Report, changes: Sequence[Change], notes: Notes) -> tuple[Section, ...]:
    return editing.changed(report, changes, Checker(notes, report.language))


def _next(report: Report) -> dict[str, object]:
    return {"version": report.version + 1, "created_at": datetime.now(UTC)}


def _said_until(report: Report) -> float:
    proof = [one.end_s for section in report.sections for said in section.statements for one in said.evidence]
    return max(proof, default=0.0)
