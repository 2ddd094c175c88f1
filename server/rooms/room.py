"""A consultation that is live: two seats, what is said between them, and who gets to know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any

import structlog

from ..live.port import Presence
from ..model.audience import may_see
from ..model.bus import EventBus
from ..model.clock import RoomClock
from ..model.consultation import Agent, Consultation, ConsultationStatus, Role
from ..model.errors import ConsultationOver, EscutaError
from ..model.events import (
    ConnectionChanged,
    ConnectionState,
    ConsultationEnded,
    ConsultationOpened,
    EndReason,
    Event,
    Sidecar,
    SidecarFailed,
    SidecarState,
    SidecarStateChanged,
)
from ..speech.port import StateChanged, StreamOptions
from .advice import Advice
from .annotation import Annotation
from .capture import Capture, Host
from .crossing import Crossing, PeerState
from .history import RecentEvents
from .live_report import LiveReport
from .mirror import Mirror
from .participant import Seat
from .services import RoomServices
from .watch import LOOK_EVERY_S, Limits

log = structlog.get_logger()

Work = Coroutine[Any, Any, None]


class Room:
    """One live consultation. `run` is its whole life; everything it starts ends with it."""

    def __init__(
        self, consultation: Consultation, agent: Agent, services: RoomServices, clock: RoomClock, context: str = ""
    ) -> None:
        self.clock = clock
        self.consultation = consultation.model_copy(
            update={"status": ConsultationStatus.LIVE, "opened_at": clock.opened_at}
        )
        self.settings = services.settings
        self.seats = {role: Seat(role) for role in Role}
        self.recent = RecentEvents()
        self.limits = Limits.of(services.settings)
        self.resumed = False
        self.failed_looks = 0
        self.empty_since_s: float | None = clock.now_s()
        self.finished = asyncio.Event()
        language = consultation.language
        # The agent's prompt instructs the chat model; Whisper would take it for something that was said.
        options = StreamOptions(
            language=None if language == "auto" else language,
            sensitivity=agent.sensitivity,
            provider=agent.speech_provider,
            room=consultation.id,
        )
        host = Host(clock, self.publish, lambda work: self.aside(work, "recording"))
        self.capture = Capture(services, consultation.id, options, host)
        advising = Host(clock, self.publish, lambda work: self.aside(work, "tips"))
        self.advice = Advice(services, agent, consultation, advising, context)
        self.annotation = Annotation(services.create_annotator, agent, clock, self.publish)
        self.report = LiveReport(services.reports, consultation.id, agent, self.publish)
        self.crossing = Crossing(
            self.seats,
            self.capture,
            lambda listener: services.create_peer(listener, clock.now_s),
            self._on_peer_state,
            self.aside,
        )
        self.bus = EventBus()
        self._services = services
        self._mirror = Mirror(services.live, consultation.id)
        self._ended = asyncio.Event()
        self._ended_at_s = 0.0
        self._tasks: asyncio.TaskGroup | None = None
        self._waiting: list[tuple[Sidecar, Work]] = []
        self._put_away = False

    @property
    def over(self) -> bool:
        """The consultation has ended; only its papers are still being put in order."""
        return self._ended.is_set()

    def open(self) -> None:
        """State that the consultation has begun."""
        self.publish(ConsultationOpened(at_s=self.clock.now_s(), opened_at=self.clock.opened_at))
        for fault in (self.annotation.fault, self.advice.fault):
            if fault is not None:
                self.publish(fault)

    def publish(self, event: Event) -> None:
        """Number, keep and spread one event. Never blocks, never raises for a slow reader."""
        sequence = self.recent.add(event)
        if sequence:
            self._services.store.record(self.consultation.id, event)
            self._mirror.event(sequence, event)
        self.bus.publish(event)
        visible = may_see(event)
        for seat in self.seats.values():
            if seat.connection is not None and seat.role in visible:
                seat.connection.deliver(sequence, event)

    def set_state(self, seat: Seat, state: ConnectionState) -> None:
        """Change how a seat's media does, and say so."""
        if seat.state == state:
            return
        seat.state = state
        self.publish(ConnectionChanged(at_s=self.clock.now_s(), role=seat.role, state=state))
        self.show_presence(seat)

    def show_presence(self, seat: Seat) -> None:
        """Copy a seat's occupant to the live store."""
        present = None
        if seat.identity is not None:
            now_s = self.clock.now_s()
            present = Presence(identity=seat.identity, name=seat.name, state=seat.state, since_s=now_s)
        self._mirror.presence(seat.role, present)

    def end(self, reason: EndReason, by: Role | None = None) -> None:
        """End the consultation for both; when it has ended already, a server that stops still hurries what is left."""
        if reason == "server_stopped":
            self.capture.hurry()
        if self.over:
            return
        self._ended_at_s = self.clock.now_s()
        self.publish(ConsultationEnded(at_s=self._ended_at_s, reason=reason, by=by))
        self._ended.set()

    def check_live(self) -> None:
        """Raise ConsultationOver if it has ended."""
        if self.over:
            raise ConsultationOver("This consultation has ended; its record is in the summary.")

    def aside(self, work: Work, sidecar: Sidecar = "live") -> None:
        """Do `work` beside the call; its failure is stated and contained."""
        if self._put_away:
            work.close()
        elif self._tasks is None:
            self._waiting.append((sidecar, work))
        else:
            self._tasks.create_task(self._contained(sidecar, work))

    async def run(self, look: Callable[[], None]) -> None:
        """Live until ended and everything is put away; `look` is called twice a second."""
        with structlog.contextvars.bound_contextvars(consultation_id=self.consultation.id), ExitStack() as told:
            told.callback(self._services.store.subscribe_state(self._on_storage_state))
            told.callback(self._services.speech.subscribe_state(self._on_speech_state))
            try:
                async with asyncio.TaskGroup() as readers:
                    readers.create_task(self._contained("live", self._mirror.run()))
                    await self._live(look)
                    self._mirror.close()
            finally:
                self._say_over()
                self.finished.set()
            await self._mirror.forget()
            log.info("consultation.ended", duration_s=round(self._ended_at_s, 1), events=self.recent.sequence)

    async def _live(self, look: Callable[[], None]) -> None:
        async with asyncio.TaskGroup() as listeners:
            listeners.create_task(self._contained("entities", self.annotation.listen(self.bus)))
            listeners.create_task(self._contained("entities", self.annotation.run()))
            listeners.create_task(self._contained("tips", self.advice.listen(self.bus)))
            listeners.create_task(self._contained("tips", self.advice.run()))
            listeners.create_task(self._contained("tips", self.report.listen(self.bus)))
            noting = listeners.create_task(self._contained("tips", self.report.run()))
            try:
                await self._be_open(look)
            finally:
                self._put_away = True
                self.bus.close()
                noting.cancel()
                await self._contained("tips", self.advice.close())
        await self.report.finish()
        await self._contained("recording", self.capture.finalize())

    async def _be_open(self, look: Callable[[], None]) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            for sidecar, work in self._waiting:
                self.aside(work, sidecar)
            watching = tasks.create_task(self._watch(look))
            try:
                await self._ended.wait()
            finally:
                watching.cancel()
                self.crossing.close()
                await self._contained("speech", self.capture.close(self._ended_at_s))

    async def _watch(self, look: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                look()
            except Exception:
                # A look that fails, at the disk for instance, must not take the call with it.
                self.failed_looks += 1
                log.exception("room.look_failed", failed=self.failed_looks)

    async def _contained(self, sidecar: Sidecar, work: Work) -> None:
        try:
            await work
        except Exception as error:
            log.exception("sidecar.failed", sidecar=sidecar)
            detail = str(error) if isinstance(error, EscutaError) else type(error).__name__
            self.publish(SidecarFailed(at_s=self.clock.now_s(), sidecar=sidecar, detail=detail))

    def _say_over(self) -> None:
        for seat in self.seats.values():
            if seat.connection is not None:
                seat.connection.over()

    def _on_peer_state(self, seat: Seat, state: PeerState) -> None:
        if state == "connected":
            self.set_state(seat, "connected")
        elif state in ("failed", "closed") and not self.over:
            peer, seat.peer = seat.peer, None
            self.crossing.release(seat, peer)
            self.set_state(seat, "lost")

    def _on_storage_state(self, state: SidecarState, detail: str) -> None:
        self.publish(SidecarStateChanged(at_s=self.clock.now_s(), sidecar="storage", state=state, detail=detail))

    def _on_speech_state(self, state: StateChanged) -> None:
        self.publish(self.capture.hearing.speech_state(state))
