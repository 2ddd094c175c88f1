"""The database."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from ...model.errors import Conflict, DatabaseUnavailable
from ...settings import Settings
from .finding import Finding, fail, ok

OLDEST = 140000
"""Oldest server version, as PostgreSQL counts them, that the migrations are written for."""


_one_at_a_time = asyncio.Lock()
"""Checks run beside each other, and one folder has one server."""


async def check(settings: Settings) -> Finding:
    """Tell whether DATABASE_URL answers, or the embedded server starts."""
    if settings.database_url is not None:
        return await _connect(settings.database_url.get_secret_value(), "PostgreSQL at DATABASE_URL")
    if (settings.data_dir / "postgres" / "data").exists():
        return await _start(settings.data_dir, f"the one in {settings.data_dir}")
    # Nothing is kept before the first start: shown on a database that is thrown away.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return await _start(Path(folder), "a new one")


@asynccontextmanager
async def kept_in(settings: Settings) -> AsyncIterator[str]:
    """Yield the address of the database in use, "" before the first start; the embedded one runs meanwhile.

    Raises:
        DatabaseUnavailable: If the embedded one does not start.
    """
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    if not (settings.data_dir / "postgres" / "data").exists():
        yield ""
        return
    from ...storage.embedded import EmbeddedPostgres

    async with _one_at_a_time:
        server = EmbeddedPostgres(settings.data_dir)
        try:
            with suppress(Conflict):  # locked by a server that runs
                await server.start()
            yield server.url
        finally:
            await server.stop()


async def _start(data_dir: Path, which: str) -> Finding:
    from ...storage.embedded import EmbeddedPostgres

    async with _one_at_a_time:
        server = EmbeddedPostgres(data_dir)
        try:
            url = await server.start()
            return await _connect(url, f"Embedded PostgreSQL ({which})")
        except Conflict as error:
            # Locked by a server that runs, or made by another PostgreSQL version: only the first one answers.
            found = await _connect(server.url, "Embedded PostgreSQL (of the Escuta that runs)")
            return found if found.outcome == "ok" else fail(str(error))
        except DatabaseUnavailable as error:
            return fail(str(error))
        finally:
            await server.stop()


async def _connect(url: str, what: str) -> Finding:
    import psycopg

    try:
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=5) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        reason = (str(error).strip().splitlines() or ["no answer"])[0]
        return fail(f"{what} does not answer ({reason}): check DATABASE_URL and that it runs.")
    name = f"{version // 10000}.{version % 10000}"
    if version < OLDEST:
        return fail(f"{what} is version {name}: {OLDEST // 10000} or newer is needed.")
    return ok(f"{what} answers, version {name}.")
