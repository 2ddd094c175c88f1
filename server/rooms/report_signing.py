"""Signatures: made over what is there now, and compared with it later."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import structlog

from ..model import seal
from ..model.errors import Conflict
from ..model.report import Report
from .report_archive import ReportArchive
from .report_files import hashes

log = structlog.get_logger()

SIGNED = "This version is signed already; a change makes a new one."


class Signing:
    """Signs versions of reports in `archive` with the recordings below `recordings_dir`."""

    def __init__(self, archive: ReportArchive, recordings_dir: Path) -> None:
        self._archive = archive
        self._recordings_dir = recordings_dir

    async def sign(self, consultation_id: str, version: int, name: str, identity: str) -> Report:
        """Seal the newest version by name and time, with the hashes of report, transcript and recordings.

        Raises:
            NotFound: If there is no such version.
            Conflict: If it is not the newest one, or signed already.
        """
        shelf = self._archive.reports
        report = await shelf.version(consultation_id, version)
        newest = await shelf.newest(consultation_id)
        if newest is None or newest.version != version:
            raise Conflict("Only the newest version can be signed; read it first.")
        if report.signature is not None:
            raise Conflict(SIGNED)
        said = await self._archive.utterances(consultation_id, report.edition)
        names = [file.name for file in await self._archive.recordings(consultation_id)]
        files = await hashes(self._recordings_dir / consultation_id, names)
        now = datetime.now(UTC)
        signature = seal.sign(report, said, files, name=name, identity=identity, signed_at=now)
        if not await shelf.sign(consultation_id, version, signature):
            raise Conflict(SIGNED)
        log.info("report.signed", consultation_id=consultation_id, version=version, recordings=len(files))
        return await shelf.version(consultation_id, version)

    async def verify(self, consultation_id: str, version: int) -> tuple[seal.PartCheck, ...]:
        """Return which of what was signed is as it was; nothing if the version is not signed.

        Raises:
            NotFound: If there is no such version.
        """
        report = await self._archive.reports.version(consultation_id, version)
        if report.signature is None:
            return ()
        said = await self._archive.utterances(consultation_id, report.edition)
        signed = [one.name for one in report.signature.recordings]
        return seal.verify(report, said, await hashes(self._recordings_dir / consultation_id, signed))
