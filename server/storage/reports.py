"""The versions of each consultation's report: only ever added, and sealed by a signature."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from ..model.errors import NotFound
from ..model.report import Report, ReportVersion, Signature
from .clean import clean, clean_fields
from .connecting import Connection
from .database import Database
from .queries import queries


class Reports:
    """What is kept of reports. Every method raises DatabaseUnavailable if the database does not answer within 3 s."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def versions(self, consultation_id: str) -> list[ReportVersion]:
        """Return every version, oldest first, without what it says."""
        rows = await self._database.rows("report_versions", {"cid": consultation_id})
        return [ReportVersion.model_validate(row) for row in rows]

    async def newest(self, consultation_id: str) -> Report | None:
        """Return the newest version, None if there is none."""
        rows = await self._database.rows("report", {"cid": consultation_id, "version": None})
        return Report.model_validate(rows[0]) if rows else None

    async def version(self, consultation_id: str, version: int) -> Report:
        """Return one version.

        Raises:
            NotFound: If there is none of that number.
        """
        rows = await self._database.rows("report", {"cid": consultation_id, "version": version})
        if not rows:
            raise NotFound(f"This consultation's report has no version {version}: see the list of its versions.")
        return Report.model_validate(rows[0])

    async def add(self, report: Report) -> bool:
        """Keep a new version; False if `report.version` does not follow the newest one.

        Raises:
            NotFound: If there is no such consultation.
        """
        fields = clean_fields(report)
        # JSON has no tuples, enumerations or times of its own.
        sections = clean(report.model_dump(mode="json")["sections"])
        values = fields | {"sections": Jsonb(sections)}
        cid = {"cid": report.consultation_id, "version": None}

        async def write(connection: Connection) -> bool:
            sql = queries()
            async with connection.transaction():
                if await (await connection.execute(sql["lock_reports"], cid)).fetchone() is None:
                    raise NotFound("There is no consultation with this id.")
                row = await (await connection.execute(sql["report"], cid)).fetchone()
                newest = 0 if row is None else int(row["version"])
                if row is not None and newest == report.version:
                    # It may be here from an attempt whose answer was lost.
                    return bool(row["created_at"] == report.created_at)
                if newest != report.version - 1:
                    return False
                await connection.execute(sql["add_report"], values)
            return True

        return await self._database.use(write)

    async def sign(self, consultation_id: str, version: int, signature: Signature) -> bool:
        """Seal a version for good; False if it is signed already.

        Raises:
            NotFound: If there is none of that number.
        """
        values = {"cid": consultation_id, "version": version}

        async def write(connection: Connection) -> None:
            sealed = Jsonb(clean(signature.model_dump(mode="json")))
            await connection.execute(queries()["sign_report"], values | {"signature": sealed})

        await self._database.use(write)
        kept = (await self.version(consultation_id, version)).signature
        return kept is not None and kept.digest == signature.digest
