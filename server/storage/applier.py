"""Carries what waits in the spool into the database: in order, exactly once, through every outage."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Literal

import psycopg
import structlog

from ..model.errors import DatabaseUnavailable
from .aside import SetAside
from .connecting import AWAY, Connection, bounded, connect, cut
from .effects import effects
from .queries import queries
from .records import unpack
from .spool import Record, Spool
from .status import Status

log = structlog.get_logger()

BATCH_RECORDS = 100
BATCH_TIMEOUT_S = 15.0
IDLE_CHECK_S = 10.0
RETRY_DELAYS_S = (0.1, 0.25, 0.5, 1.0, 2.0)
RETRIED = (*AWAY, psycopg.InternalError, psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)
"""Faults of the database rather than of what is written; any other fault sets the write aside."""


class Applier:
    """Owns the writing connection and the one task that uses it."""

    def __init__(self, database_url: str, spool: Spool, status: Status) -> None:
        self.failures = 0
        self.refused = SetAside(spool.folder)
        self._database_url = database_url
        self._spool = spool
        self._status = status
        self._work = asyncio.Event()
        self._try_now = asyncio.Event()
        self._progress = asyncio.Event()
        self._closing = False
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Something new waits."""
        self._work.set()

    async def reached(self, sequence: int) -> None:
        """Wait until `sequence` is applied; a database that seemed away is tried at once."""
        self._try_now.set()
        while self._spool.applied < sequence:
            await self._progress.wait()

    async def begin(self, connection: Connection) -> None:
        """Learn how far the spool has been applied; comes before the first append.

        Raises:
            psycopg.Error: If the database does not say.
        """
        async with connection.transaction():
            self._spool.resume(await self._position(connection))

    def start(self) -> None:
        """Apply what waits and what comes, until closed."""
        self._task = asyncio.create_task(self._run(), name="storage-applier")

    async def aclose(self) -> None:
        """Stop, in the middle of a batch if need be: it is then as if it had not begun."""
        self._closing = True
        self._work.set()
        self._try_now.set()
        if self._connection is not None:
            cut(self._connection)
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        attempt = 0
        while not self._closing:
            try:
                self._connection = self._connection or await connect(self._database_url)
                await self._drain(self._connection)
                attempt = 0
                self._status.set("ok")
                await self._rest(self._connection)
            except Exception as error:  # whatever it is, what waits is safe on disk and is tried again
                if not self._closing:
                    self._note_outage(error)
                    await self._disconnect()
                    await self._back_off(attempt)
                    attempt += 1
        await self._disconnect()

    async def _rest(self, connection: Connection) -> None:
        """Wait for work; look now and then whether the database is still there, so that its state is known."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_CHECK_S):
                await self._work.wait()
        if not self._work.is_set():
            with bounded(connection, BATCH_TIMEOUT_S):
                await self._position(connection)

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _drain(self, connection: Connection) -> None:
        while not self._closing:
            self._work.clear()
            batch = self._spool.batch(BATCH_RECORDS)
            if not batch:
                return
            if len(batch) == 1 or not await self._apply_together(connection, batch):
                for record in batch:
                    await self._apply_alone(connection, record)

    async def _apply_together(self, connection: Connection, batch: Sequence[Record]) -> bool:
        """Apply `batch` without waiting for each answer; False if a record is at fault, and nothing was applied."""
        try:
            await self._transact(connection, batch)
        except psycopg.errors.PipelineAborted:
            return False
        except RETRIED:
            raise
        except Exception:
            return False
        return True

    async def _apply_alone(self, connection: Connection, record: Record) -> None:
        try:
            await self._transact(connection, [record])
        except RETRIED:
            raise
        except Exception as error:
            # Named by class and SQLSTATE only: the message may repeat what was said.
            reason = f"{type(error).__name__} {getattr(error, 'sqlstate', None) or ''}".strip()
            self.refused.add(record.sequence, record.payload, reason)
            await self._transact(connection, [record], skip=True)

    async def _transact(self, connection: Connection, batch: Sequence[Record], *, skip: bool = False) -> None:
        """Apply `batch` (or, to `skip` it, only move past it) in one transaction with the spool's position."""
        sql = queries()
        with bounded(connection, BATCH_TIMEOUT_S):
            async with connection.transaction():
                # The last commit may have succeeded without our hearing of it.
                position = await self._position(connection)
                async with connection.pipeline() if len(batch) > 1 else contextlib.nullcontext():
                    for record in batch:
                        await asyncio.sleep(0)  # a pipeline does not wait: packets of calls must get their turn
                        if record.sequence > position and not skip:
                            for name, values in effects(*unpack(record.payload)):
                                await connection.execute(sql[name], values)
                values = {"spool_id": self._spool.id, "position": max(position, batch[-1].sequence)}
                await connection.execute(sql["move_position"], values)
        self._spool.confirm(batch[-1])
        self._progress.set()
        self._progress.clear()

    async def _position(self, connection: Connection) -> int:
        spool_id = {"spool_id": self._spool.id}
        for _ in range(2):
            row = await (await connection.execute(queries()["lock_position"], spool_id)).fetchone()
            if row is not None:
                return int(row["position"])
            await connection.execute(queries()["register_spool"], spool_id)
        raise DatabaseUnavailable("The database does not keep the spool's position.")

    def _note_outage(self, error: Exception) -> None:
        self.failures += 1
        log.warning("storage.database_away", error=type(error).__name__, waiting=self._spool.waiting)
        self._status.set(*self.outage())

    def outage(self) -> tuple[Literal["delayed", "failing"], str]:
        """Return the state while the database is away."""
        waiting = f"{self._spool.waiting} entries wait"
        if self._spool.held:
            return "failing", f"The database and the disk take nothing; {waiting} in memory. Free some disk space."
        if self._spool.nearly_full:
            return "failing", f"The database does not answer and the room for waiting entries runs out: {waiting}."
        return "delayed", f"The database does not answer; {waiting} safely on disk."

    async def _back_off(self, attempt: int) -> None:
        if self._spool.waiting:
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._spool.syncing())
        if self._closing:
            return
        self._try_now.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY_DELAYS_S[min(attempt, len(RETRY_DELAYS_S) - 1)]):
                await self._try_now.wait()
