"""After the call: recordings are read again, one at a time on a machine, while nobody is in a call."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import structlog

from ..model.consultation import Agent
from ..model.entities import Entity
from ..model.errors import Conflict, DatabaseUnavailable, EscutaError, NotFound
from ..model.transcript import Utterance
from ..recording.disk import free_mb
from ..settings import Settings
from ..speech.second_pass import SecondPassOrder, SecondReading
from ..storage.lock import FolderLock
from .second_pass_jobs import Archive, RecordingGone, Work, check_there, work_on

log = structlog.get_logger()

LOOK_EVERY_S = 5.0
LOOK_WHILE_READING_S = 2.0
REST_AFTER_FAILURE_S = 60.0

FindEntities = Callable[[Agent, Sequence[Utterance]], Awaitable[Sequence[Entity]]]
ReadAgain = Callable[[SecondPassOrder, Callable[[], bool]], Awaitable[SecondReading]]


@dataclass(frozen=True, slots=True)
class Readers:
    """Who reads a recording again, and who finds what the words name that were read."""

    read_again: ReadAgain
    find_entities: FindEntities


@dataclass(slots=True)
class Figures:
    """How many wait, are being read, and were given up; and what was done since the process began."""

    waiting: int = 0
    running: int = 0
    failed: int = 0
    failures: int = 0
    sound_s: float = 0.0
    reading_s: float = 0.0


class SecondPasses:
    """Makes the second passes that wait in the database, as an async context manager.

    Live calls come first: while one is on, here or in another process, reading stands still. What leaving or a crash
    interrupts begins anew at the next start. Of the processes that share a data folder one reads at a time.
    """

    def __init__(
        self,
        settings: Settings,
        archive: Archive,
        readers: Readers,
        anyone_here: Callable[[], bool],
        owns: Callable[[str], bool],
    ) -> None:
        self.figures = Figures()
        self._settings = settings
        self._archive = archive
        self._readers = readers
        self._anyone_here = anyone_here
        self._owns = owns
        self._live_elsewhere = True
        self._held_up = ""
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._running = [self._tasks.create_task(work) for work in (self._run(), self._keep_looking())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._running:
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    async def _run(self) -> None:
        while True:
            rest_s = LOOK_EVERY_S
            try:
                waiting = await self._count()
                if waiting:
                    await self._look_around()
                    if not self._is_busy():
                        rest_s = await self._make_alone(waiting[0])
            except DatabaseUnavailable:
                log.debug("second_pass.database_away")  # the job waits there and is asked for again
            except Exception:  # the calls go on without second passes
                self.figures.failures += 1
                log.exception("second_pass.cannot_go_on")
                rest_s = REST_AFTER_FAILURE_S
            await asyncio.sleep(rest_s)

    async def _count(self) -> list[str]:
        jobs, figures = self._archive.second_passes, self.figures
        waiting = [one for one in await jobs.waiting() if self._owns(one)]
        figures.failed = sum(self._owns(one) for one in await jobs.failed())
        figures.waiting = len(waiting) - figures.running
        return waiting

    async def _make_alone(self, consultation_id: str) -> float:
        """Make one second pass if the disk has room and no other process reads; return how long to rest afterwards."""
        try:
            with self._turn():
                return await self._make(consultation_id)
        except (Conflict, OSError) as why:
            self._note_held_up(str(why))
        return LOOK_EVERY_S

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold this machine's turn to read; raises Conflict if another process does, OSError if the disk is full."""
        settings = self._settings
        for folder in (settings.data_dir, settings.recordings_dir):
            if free_mb(folder) < settings.min_free_disk_mb:
                raise Conflict(f"{folder} has less than MIN_FREE_DISK_MB left.")
        folder = settings.data_dir / "second-pass"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        turn = FolderLock(folder, "The second pass")
        self._note_held_up("")
        self.figures.running = 1
        try:
            yield
        finally:
            self.figures.running = 0
            turn.release()

    def _note_held_up(self, why: str) -> None:
        if why and why != self._held_up:
            log.info("second_pass.held_up", reason=why)
        self._held_up = why

    async def _make(self, consultation_id: str) -> float:
        work: Work | None = None
        try:
            work = await work_on(consultation_id, self._archive, self._settings)
            reading = await self._readers.read_again(work.order, self._is_busy)
            await self._keep(consultation_id, reading, work)
        except DatabaseUnavailable:
            raise
        except RecordingGone:
            await self._give_up(consultation_id)
        except NotFound:
            log.info("second_pass.not_wanted", consultation_id=consultation_id)
        except Exception as error:  # one recording's fault must not end the others' second passes
            return await self._fail(consultation_id, work, error)
        return LOOK_EVERY_S  # another process may have waited longer

    async def _give_up(self, consultation_id: str) -> None:
        log.warning("second_pass.recording_gone", consultation_id=consultation_id)
        await self._archive.second_passes.give_up(consultation_id)

    async def _fail(self, consultation_id: str, work: Work | None, error: Exception) -> float:
        try:
            if work is not None:
                await asyncio.to_thread(check_there, work.order)
        except RecordingGone:  # while it was read
            await self._give_up(consultation_id)
            return LOOK_EVERY_S
        self.figures.failures += 1
        reason = str(error) if isinstance(error, EscutaError) else type(error).__name__
        log.warning("second_pass.failed", consultation_id=consultation_id, reason=reason)
        await self._archive.second_passes.note_failure(consultation_id)
        return REST_AFTER_FAILURE_S

    async def _keep(self, consultation_id: str, reading: SecondReading, work: Work) -> None:
        """Keep what was read, however long the database is away: reading it cost more than waiting does."""
        said, kept = reading.utterances, None
        named = await self._named(consultation_id, said, work.agent)
        while kept is None:
            try:
                kept = await self._archive.second_passes.keep(consultation_id, said, named, partial=work.partial)
            except DatabaseUnavailable:
                self._note_held_up("The database takes no transcript.")
                await asyncio.sleep(LOOK_EVERY_S)
        if not kept:
            raise NotFound("The consultation was deleted.")
        sound_s, took_s = work.order.sound_s, reading.took_s
        self.figures.sound_s += sound_s
        self.figures.reading_s += took_s
        account = {"utterances": len(said), "sound_s": round(sound_s), "took_s": round(took_s, 1)}
        log.info("second_pass.done", consultation_id=consultation_id, partial=work.partial, **account)

    async def _named(self, consultation_id: str, said: Sequence[Utterance], agent: Agent) -> Sequence[Entity]:
        try:
            return await self._readers.find_entities(agent, said)
        except Exception:  # a transcript without marks is better than none
            self.figures.failures += 1
            log.exception("second_pass.no_entities", consultation_id=consultation_id)
            return ()

    def _is_busy(self) -> bool:
        return self._live_elsewhere or self._anyone_here()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_WHILE_READING_S)
            if self.figures.running:
                await self._look_around()
                with contextlib.suppress(DatabaseUnavailable):
                    await self._count()

    async def _look_around(self) -> None:
        try:
            self._live_elsewhere = bool(await self._archive.live_consultations())
        except DatabaseUnavailable:
            self._live_elsewhere = True  # better late than in the way
