"""After the call: recordings are read again, one at a time, while nobody is in a call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

import structlog

from ..model.consultation import Agent, Consultation
from ..model.errors import DatabaseUnavailable, EscutaError
from ..model.recording_events import RecordingFile
from ..model.transcript import Utterance
from ..settings import Settings
from ..speech.options import ProviderOptions
from ..speech.second_pass import SecondPassOrder, Track

log = structlog.get_logger()

LOOK_EVERY_S = 5.0
LOOK_WHILE_READING_S = 2.0
REST_AFTER_FAILURE_S = 60.0

ReadAgain = Callable[[SecondPassOrder, Callable[[], bool]], Awaitable[tuple[Utterance, ...]]]


class Jobs(Protocol):
    """The second passes that wait, in the database."""

    async def waiting(self) -> Sequence[str]:
        """Return the consultations whose recording is to be read again."""

    async def note_failure(self, consultation_id: str) -> None:
        """An attempt failed."""

    async def keep(self, consultation_id: str, utterances: Sequence[Utterance]) -> bool:
        """Keep a final transcript and settle its job."""


class Archive(Protocol):
    """The part of the store that second passes need. Reading raises DatabaseUnavailable."""

    @property
    def second_passes(self) -> Jobs:
        """The jobs."""

    async def consultation(self, consultation_id: str) -> Consultation:
        """Return one."""

    async def agent(self, agent_id: str) -> Agent:
        """Return what listened."""

    async def recordings(self, consultation_id: str) -> Sequence[RecordingFile]:
        """Return the recording's files."""

    async def live_consultations(self) -> Sequence[Consultation]:
        """Return those that are live, in other processes too."""


class SecondPasses:
    """Makes the second passes that wait in the database, as an async context manager.

    Live calls come first: while one is on, here or in another process, reading stands still. What leaving or a crash
    interrupts begins anew at the next start.
    """

    def __init__(
        self,
        settings: Settings,
        archive: Archive,
        read_again: ReadAgain,
        anyone_here: Callable[[], bool],
        owns: Callable[[str], bool],
    ) -> None:
        self.failures = 0
        self._settings = settings
        self._archive = archive
        self._read_again = read_again
        self._anyone_here = anyone_here
        self._owns = owns
        self._live_elsewhere = True
        self._reading = False
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
                waiting = [one for one in await self._archive.second_passes.waiting() if self._owns(one)]
                if waiting:
                    await self._look_around()
                    if not self._is_busy():
                        rest_s = await self._make(waiting[0])
            except DatabaseUnavailable:
                log.debug("second_pass.database_away")  # the job waits there and is asked for again
            await asyncio.sleep(rest_s)

    async def _make(self, consultation_id: str) -> float:
        """Make one second pass; return how long to rest afterwards."""
        began_s = time.monotonic()
        self._reading = True
        try:
            said = await self._read_again(await self._order(consultation_id), self._is_busy)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # one recording's fault must not end the others' second passes
            self.failures += 1
            reason = str(error) if isinstance(error, EscutaError) else type(error).__name__
            log.warning("second_pass.failed", consultation_id=consultation_id, reason=reason)
            await self._archive.second_passes.note_failure(consultation_id)
            return REST_AFTER_FAILURE_S
        finally:
            self._reading = False
        await self._keep(consultation_id, said)
        took_s = round(time.monotonic() - began_s, 1)
        log.info("second_pass.done", consultation_id=consultation_id, utterances=len(said), took_s=took_s)
        return 0.0

    async def _keep(self, consultation_id: str, said: Sequence[Utterance]) -> None:
        """Keep what was read, however long the database is away: reading it cost more than waiting does."""
        while True:
            try:
                await self._archive.second_passes.keep(consultation_id, said)
            except DatabaseUnavailable:
                await asyncio.sleep(LOOK_EVERY_S)
            else:
                return

    async def _order(self, consultation_id: str) -> SecondPassOrder:
        consultation = await self._archive.consultation(consultation_id)
        agent = await self._archive.agent(consultation.agent_id)
        folder = self._settings.recordings_dir.absolute() / consultation_id
        tracks = tuple(
            Track(role=file.role, path=folder / file.name, start_s=file.start_s)
            for file in await self._archive.recordings(consultation_id)
            if file.role is not None and file.format == "wav"
        )
        return SecondPassOrder(
            provider=self._settings.speech_provider,
            options=ProviderOptions.for_second_pass(self._settings),
            tracks=tracks,
            language=None if consultation.language == "auto" else consultation.language,
            sensitivity=agent.sensitivity,
        )

    def _is_busy(self) -> bool:
        return self._live_elsewhere or self._anyone_here()

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_WHILE_READING_S)
            if self._reading:
                await self._look_around()

    async def _look_around(self) -> None:
        try:
            self._live_elsewhere = bool(await self._archive.live_consultations())
        except DatabaseUnavailable:
            self._live_elsewhere = True  # better late than in the way
