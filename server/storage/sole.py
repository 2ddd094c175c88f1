"""One server for a database: two would resume, and so end, each other's calls."""

from __future__ import annotations

import asyncio
import contextlib

import psycopg
import structlog

from ..model.errors import Conflict, DatabaseUnavailable
from .connecting import Connection, bounded, connect, cut, reason
from .queries import queries

log = structlog.get_logger()

WAIT_S = 10.0
"""How long the session of a server that was killed may linger."""
ANSWER_TIMEOUT_S = 5.0
CHECK_S = 1.0


class SoleServer:
    """Holds the database for this process by a lock that ends with its connection, or with the process.

    It is taken again after an outage. If another server was faster, that is logged and the calls here go on.
    """

    def __init__(self, database_url: str) -> None:
        self.failures = 0
        self._database_url = database_url
        self._connection: Connection | None = None
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def take(self) -> None:
        """Take the database and keep it until closed.

        Raises:
            Conflict: If another server holds it for longer than `WAIT_S`.
            DatabaseUnavailable: If it does not answer or does not let us in.
        """
        self._connection = await self._hold()
        self._task = asyncio.create_task(self._keep(), name="storage-sole-server")

    async def aclose(self) -> None:
        """Let another server have it; harmless when it is not held."""
        self._closing.set()
        if self._connection is not None:
            cut(self._connection)
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _hold(self) -> Connection:
        connection = await connect(self._database_url)
        self._connection = connection  # so that closing can end the wait
        sql = queries()
        try:
            with bounded(connection, WAIT_S + ANSWER_TIMEOUT_S):
                await connection.execute(sql["limit_holding"], {"wait": f"{WAIT_S * 1000:.0f}ms"})
                if not self._closing.is_set():
                    await connection.execute(sql["hold_database"])
        except psycopg.errors.LockNotAvailable:
            await self._let_go()
            raise Conflict(
                "Another Escuta uses the database at DATABASE_URL: stop that one, or set another database here."
            ) from None
        except psycopg.Error as error:
            await self._let_go()
            raise DatabaseUnavailable(f"The database cannot be taken ({reason(error)}): look at its server.") from None
        except BaseException:
            await self._let_go()
            raise
        return connection

    async def _let_go(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _keep(self) -> None:
        """Notice when the lock is lost, and take it again; ends by closing."""
        shared = False
        while not self._closing.is_set():
            try:
                if self._connection is None:
                    self._connection = await self._hold()
                    shared = False
                    log.info("storage.database_taken_again")
                with bounded(self._connection, ANSWER_TIMEOUT_S):
                    await self._connection.execute(queries()["still_there"])
            except Conflict:
                if not shared:
                    log.error("storage.database_shared", why="another Escuta took it during an outage: stop one")
                shared = True
            except Exception as error:  # the database is away: tried again until it is back
                self.failures += 1
                if not self._closing.is_set():
                    log.debug("storage.database_not_held", error=type(error).__name__)
                await self._let_go()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S):
                    await self._closing.wait()
        await self._let_go()
