"""Numbered migrations, each applied once, in order, all or nothing."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import structlog

from ..model.errors import DatabaseMismatch
from .queries import queries

log = structlog.get_logger()

FILE_NAME = re.compile(r"^(\d{4})_(\w+)\.sql$")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from an older database to a newer."""

    version: int
    name: str
    sql: bytes

    @property
    def checksum(self) -> str:
        """What tells whether it was changed after it was applied."""
        return hashlib.sha256(self.sql).hexdigest()


def packaged() -> list[Migration]:
    """Return the migrations this version brings, in order.

    Raises:
        ValueError: If a file's name is not `0001_name.sql`, or a number is missing or taken twice.
    """
    migrations = []
    for path in sorted(Path(__file__).with_name("migrations").glob("*.sql")):
        match = FILE_NAME.match(path.name)
        if match is None:
            raise ValueError(f"{path.name}: a migration is named like 0001_name.sql")
        migrations.append(Migration(int(match[1]), match[2], path.read_bytes()))
    if [migration.version for migration in migrations] != list(range(1, len(migrations) + 1)):
        raise ValueError("The migrations' numbers must run from 0001 without a gap.")
    return migrations


async def migrate(connection: psycopg.AsyncConnection[Any], migrations: list[Migration]) -> int:
    """Bring the database up to `migrations`; return how many were applied. Concurrent calls wait for each other.

    Raises:
        DatabaseMismatch: If the database was migrated by a newer version, or with other contents.
        psycopg.Error: If the database refuses; then nothing has changed.
    """
    sql = queries()
    async with connection.transaction():
        await connection.execute(sql["lock_migrations"])
        await connection.execute(sql["create_migrations"])
        rows = await (await connection.execute(sql["applied_migrations"])).fetchall()
        applied = {row["version"]: row["checksum"] for row in rows}
        _check(applied, migrations)
        waiting = [migration for migration in migrations if migration.version not in applied]
        for migration in waiting:
            await connection.execute(migration.sql, prepare=False)
            values = {"version": migration.version, "name": migration.name, "checksum": migration.checksum}
            await connection.execute(sql["note_migration"], values)
            log.info("database.migrated", version=migration.version, name=migration.name)
    return len(waiting)


def _check(applied: dict[int, str], migrations: list[Migration]) -> None:
    known = {migration.version: migration for migration in migrations}
    for version, checksum in applied.items():
        if version not in known:
            raise DatabaseMismatch(
                f"The database is at version {version}, this Escuta knows {len(known)}: install the newer Escuta."
            )
        if known[version].checksum != checksum:
            raise DatabaseMismatch(
                f"Migration {version} ({known[version].name}) differs from the one this database was made with: "
                "restore the file, or use another database."
            )
