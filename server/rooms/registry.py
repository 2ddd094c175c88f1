"""The rooms that are live in this process. It owns them; nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import structlog

from ..model.clock import RoomClock
from ..model.consultation import Consultation, ConsultationStatus
from ..model.errors import ConsultationOver, EscutaError, Unavailable
from ..model.events import ConsultationEnded, EndReason, Event
from ..model.recording_state import RecordingState
from ..speech.port import StateChanged
from .history import Past
from .recovery import finish_recording, unfinished_recordings
from .room import Room
from .seating import Seating
from .services import RoomServices

log = structlog.get_logger()

REMEMBERED_ENDS = 10_000


class Registry:
    """Opens a room when its first participant comes, and drops it when its papers are in order.

    Use as an async context manager: leaving it ends every consultation and waits for its recording.
    """

    def __init__(self, services: RoomServices) -> None:
        self.failed_rooms = 0
        self._services = services
        self._rooms: dict[str, Seating] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}
        self._tasks = asyncio.TaskGroup()
        self._closing = False
        # The database may lag behind: an ended consultation must not be brought back from a stale row.
        self._ended: dict[str, None] = {}

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_all("server_stopped")
        # Rooms end by themselves, and an error of the caller's body stays what it is.
        await self._tasks.__aexit__(None, None, None)

    def rooms(self) -> list[Room]:
        """Return the rooms that are live, those being put away included."""
        return [seating.room for seating in self._rooms.values()]

    def live_ids(self) -> list[str]:
        """Return the consultations in which people can be."""
        return [room.consultation.id for room in self.rooms() if not room.over]

    def recording_state(self, consultation_id: str) -> RecordingState | None:
        """Return how far a consultation's recording is; None if this process has nothing to do with it."""
        seating = self._rooms.get(consultation_id)
        if seating is not None:
            return seating.room.capture.state
        return self._services.finishing.state(consultation_id)

    def speech_provider(self, consultation_id: str) -> str | None:
        """Return who hears a consultation that is live here; None if it is not."""
        seating = self._rooms.get(consultation_id)
        return None if seating is None else seating.room.capture.provider

    def speech_state(self) -> StateChanged:
        """Return how speech recognition is doing, for somebody who has just come."""
        return self._services.speech.state

    async def seating(self, consultation_id: str) -> Seating:
        """Return the room of a consultation, opening it if it is not open.

        Raises:
            NotFound: If there is no such consultation.
            ConsultationOver: If it has ended, or the server is stopping.
            Unavailable: If it lives in another process.
            DatabaseUnavailable: If it is not open here and the database does not answer.
        """
        self._check_ours(consultation_id)
        async with self._alone(consultation_id):
            seating = self._rooms.get(consultation_id)
            if seating is None:
                seating = await self._open(consultation_id)
        seating.room.check_live()
        return seating

    async def end(self, consultation_id: str, reason: EndReason) -> None:
        """End a consultation, whether its room is open or not; harmless when it has ended.

        Raises:
            NotFound: If there is no such consultation.
            Unavailable: If it lives in another process.
            DatabaseUnavailable: If its room is not open and the database does not answer.
        """
        self._check_ours(consultation_id)
        async with self._alone(consultation_id):
            seating = self._rooms.get(consultation_id)
            if seating is not None:
                seating.room.end(reason)
                return
            consultation = await self._services.store.consultation(consultation_id)
            if consultation.status is not ConsultationStatus.ENDED:
                self._note_end(consultation_id)
                self._services.store.record(consultation_id, ConsultationEnded(at_s=0.0, reason=reason))

    async def end_all(self, reason: EndReason) -> None:
        """End every consultation, open no more, and wait until each one's papers are in order."""
        self._end_all(reason)
        await asyncio.gather(*(room.finished.wait() for room in self.rooms()))

    async def resume(self) -> None:
        """Bring back what was live when the process last died, and finish what it left unfinished."""
        owns = self._services.owns
        live = [one for one in await self._services.store.live_consultations() if owns(one.id)]
        for consultation in live:
            try:
                seating = await self._bring_back(consultation)
            except Exception:
                # It stays live in the database: whoever joins it, or the next start, tries again.
                self.failed_rooms += 1
                log.exception("consultation.cannot_resume", consultation_id=consultation.id)
            else:
                seating.room.resumed = True
        live_ids = {consultation.id for consultation in live}
        waiting = await unfinished_recordings(self._services, live_ids)
        for consultation_id in waiting:
            self._services.finishing.begin(consultation_id)
        self._tasks.create_task(self._finish_all(waiting))

    async def _open(self, consultation_id: str) -> Seating:
        consultation = await self._services.store.consultation(consultation_id)
        ended = consultation.status is ConsultationStatus.ENDED or consultation_id in self._ended
        if ended or self._closing:
            raise ConsultationOver("This consultation has ended; its record is in the summary.")
        if consultation.status is ConsultationStatus.LIVE:
            return await self._bring_back(consultation)
        room = await self._room(consultation, datetime.now(UTC))
        room.open()
        return self._keep(room)

    async def _bring_back(self, consultation: Consultation) -> Seating:
        store = self._services.store
        room = await self._room(consultation, consultation.opened_at or consultation.created_at)
        past = await Past.of(store, consultation.id)
        # Fewer than a thousand events a second: the room time in ms is above every number given out before.
        missing = past.events(first=int(room.clock.now_s() * 1000) + 1)
        mirrored = await self._mirrored(consultation.id)
        room.recent.restore(list(mirrored) if past.is_in(mirrored) else missing)
        room.annotation.restore(past.said, past.named)
        room.advice.restore(past.said, [(tip, past.marks.get(tip.id)) for tip in past.tips], past.interactions)
        room.report.restore(past.said)
        for person in await store.participants(consultation.id):
            seat = room.seats[person.role]
            seat.consent, seat.consented_by = person.consent, person.identity
        log.info("consultation.resumed", consultation_id=consultation.id, utterances=len(past.said))
        return self._keep(room)

    async def _mirrored(self, consultation_id: str) -> Sequence[tuple[int, Event]]:
        try:
            return await self._services.live.since(consultation_id, 0)
        except EscutaError as error:
            log.warning("live.failing", code=error.code)
            return ()

    async def _room(self, consultation: Consultation, opened_at: datetime) -> Room:
        agent = await self._services.store.agent(consultation.agent_id)
        context = await self._services.store.context(consultation.id)
        return Room(consultation, agent, self._services, RoomClock(opened_at), context)

    def _keep(self, room: Room) -> Seating:
        if self._closing:
            raise ConsultationOver("The server is stopping.")
        seating = self._rooms[room.consultation.id] = Seating(room)
        self._tasks.create_task(self._live(seating))
        return seating

    async def _live(self, seating: Seating) -> None:
        room = seating.room
        try:
            await room.run(seating.look)
        except Exception:
            # One room's fault must not reach the others; its journal is finished at the next start.
            self.failed_rooms += 1
            log.exception("room.failed", consultation_id=room.consultation.id)
        finally:
            room.end("server_stopped")
            self._note_end(room.consultation.id)
            self._rooms.pop(room.consultation.id, None)

    @asynccontextmanager
    async def _alone(self, consultation_id: str) -> AsyncIterator[None]:
        """Let one at a time open or end a consultation."""
        lock = self._opening.setdefault(consultation_id, asyncio.Lock())
        self._users[consultation_id] = self._users.get(consultation_id, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._users[consultation_id] -= 1
            if not self._users[consultation_id]:
                del self._users[consultation_id], self._opening[consultation_id]

    def _check_ours(self, consultation_id: str) -> None:
        if not self._services.owns(consultation_id):
            raise Unavailable("This consultation lives in another process of the server; try again.")

    def _end_all(self, reason: EndReason) -> None:
        self._closing = True
        for seating in self._rooms.values():
            seating.room.end(reason)

    def _note_end(self, consultation_id: str) -> None:
        self._ended[consultation_id] = None
        while len(self._ended) > REMEMBERED_ENDS:
            del self._ended[next(iter(self._ended))]

    async def _finish_all(self, consultation_ids: list[str]) -> None:
        for consultation_id in consultation_ids:
            if not self._closing and not await finish_recording(self._services, consultation_id):
                self.failed_rooms += 1
