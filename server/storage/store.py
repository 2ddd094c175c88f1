"""The store: everything durable but the audio. What happens is recorded; what was recorded can be read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import structlog

from ..model.errors import DiskFull
from ..model.events import EPHEMERAL, Event, SidecarState
from .applier import Applier
from .connecting import check_url
from .database import Database
from .reader import Reader
from .records import pack, pack_restart
from .setting_up import set_up
from .sole import SoleServer
from .spool import Spool
from .status import Status

log = structlog.get_logger()

LAST_WRITES_S = 5.0
RESUME_TIMEOUT_S = 30.0

Owns = Callable[[str], bool]
"""Whether a consultation, by its id, is this process's."""


class Store(Reader):
    """Reads come from the database; events go through the spool, so that they outlive it being away.

    One store per spool folder and one per database, or one for each process that owns a part of the consultations.
    Use it from the event loop's thread only.
    """

    def __init__(
        self, database: Database, spool: Spool, applier: Applier, status: Status, sole: SoleServer | None
    ) -> None:
        super().__init__(database)
        self.lost = 0
        self._closed = False
        self._sole = sole
        self._spool = spool
        self._applier = applier
        self._status = status
        if sole is not None:
            self._note_restart("")
        applier.start()

    @classmethod
    async def open(cls, database_url: str, spool_dir: Path, owns: Owns | None = None) -> Self:
        """Bring the database up to date, then apply what waits in `spool_dir` from an earlier process.

        Returns once that can be read, or after 30 s of applying it. With `owns`, several processes share the database,
        which somebody else holds for them (`holding`), and only what this one owns begins anew here.

        Raises:
            InvalidSettings: If `database_url` cannot be read.
            DatabaseUnavailable: If the database does not answer, does not let us in or cannot be set up.
            DatabaseMismatch: If it was made by another version of Escuta.
            Conflict: If another process uses `spool_dir` or the database.
            DiskFull: If `spool_dir` cannot be written.
        """
        check_url(database_url)
        try:
            spool = Spool(spool_dir)
        except OSError as error:
            raise DiskFull(
                f"{spool_dir} cannot hold waiting writes: {error.strerror}. Set another DATA_DIR."
            ) from error
        sole = SoleServer(database_url) if owns is None else None
        try:
            if sole is not None:
                await sole.take()
            status = Status()
            applier = Applier(database_url, spool, status)
            await set_up(database_url, applier)
            database = Database(database_url)
            await database.open()
        except BaseException:
            if sole is not None:
                await sole.aclose()
            spool.close()
            raise
        store = cls(database, spool, applier, status, sole)
        log.info("storage.opened", waiting=store.waiting)
        try:
            await store.settled(RESUME_TIMEOUT_S)
            if owns is not None:
                await store._begin_anew(owns)
        except BaseException:
            await store.aclose()
            raise
        return store

    @property
    def state(self) -> tuple[SidecarState, str]:
        """How writing is doing, and one sentence about it."""
        return self._status.state, self._status.detail

    @property
    def waiting(self) -> int:
        """How many recorded events are not in the database yet."""
        return self._spool.waiting

    @property
    def refused(self) -> int:
        """How many events the database refused for what they are; they lie in `refused.jsonl`."""
        return self._applier.refused.count

    def subscribe_state(self, callback: Callable[[SidecarState, str], None]) -> Callable[[], None]:
        """Tell `callback` when writing falters or recovers; call the result to stop that."""
        return self._status.subscribe(callback)

    def record(self, consultation_id: str, event: Event) -> None:
        """Keep an event. It is with the operating system on return; it never blocks long and never raises."""
        if isinstance(event, EPHEMERAL):
            return
        try:
            self._spool.append(pack(consultation_id, datetime.now(UTC), event))
        except DiskFull:
            self._note_loss("The room for entries waiting for the database is full")
        except Exception as error:  # the call must go on, whatever this one event is
            log.error("storage.record_failed", kind=event.type, error=type(error).__name__)
            self._note_loss("An entry could not be kept")
        else:
            if self._status.state == "delayed":
                self._status.set(*self._applier.outage())
            self._applier.wake()

    async def settled(self, timeout_s: float) -> bool:
        """Wait until everything recorded so far is in the database; False if that takes longer than `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._applier.reached(self._spool.last_sequence)
        except TimeoutError:
            return False
        return True

    async def aclose(self) -> None:
        """Write what can be written within 5 s and close; the rest waits on disk for the next start."""
        if self._closed:
            return
        self._closed = True
        await self.settled(LAST_WRITES_S)
        await self._applier.aclose()
        if self._spool.waiting:
            log.warning("storage.closed_with_waiting_writes", waiting=self._spool.waiting)
        await self._database.aclose()
        self._spool.close()
        if self._sole is not None:
            await self._sole.aclose()

    async def _begin_anew(self, owns: Owns) -> None:
        for consultation in await self.live_consultations():
            if owns(consultation.id):
                self._note_restart(consultation.id)
        self._applier.wake()
        await self.settled(RESUME_TIMEOUT_S)

    def _note_restart(self, consultation_id: str) -> None:
        with contextlib.suppress(DiskFull):  # rather no note of the restart than no start
            self._spool.append(pack_restart(datetime.now(UTC), consultation_id))

    def _note_loss(self, what: str) -> None:
        self.lost += 1
        self._status.set("failing", f"{what}; {self.lost} lost so far. Look at the database and the disk.")
