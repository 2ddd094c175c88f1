"""Stand-ins for what a room needs, each keeping what it was told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from server.insight.annotator import Annotator
from server.insight.background import nothing_looked_up
from server.insight.entities.rules import RuleExtractor
from server.insight.extraction import ExtractionOptions
from server.live.memory import MemoryLiveStore
from server.media.stats import KindStats, PeerStats
from server.model.clock import RoomClock
from server.model.consultation import Agent, Consultation, ConsultationStatus, Role
from server.model.errors import DatabaseUnavailable, DiskFull, InvalidOffer, NotFound
from server.model.events import Event
from server.model.recording_events import RecordingFile
from server.rooms.room import Room
from server.rooms.seating import JoinRequest, Seating
from server.rooms.services import Recording, RoomServices
from server.settings import Settings
from server.speech.port import StateChanged

OPENED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AGENT = Agent(id="default", name="Default")


A_FILE = RecordingFile(
    name="patient.ogg", role=Role.PATIENT, format="ogg", start_s=0, duration_s=9, size_bytes=1, sha256="0"
)


def a_consultation(**changes: Any) -> Consultation:
    return Consultation.model_validate(
        {"id": "consultation-1", "agent_id": "default", "created_at": OPENED_AT, **changes}
    )


class FakeTime:
    """A clock that goes on when told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def clock(self) -> RoomClock:
        zero_s = self.now_s
        return RoomClock(
            OPENED_AT,
            monotonic=lambda: self.now_s,
            wall=lambda: OPENED_AT + timedelta(seconds=self.now_s - zero_s),
        )


class FakeConnection:
    def __init__(self) -> None:
        self.events: list[tuple[int, Event]] = []
        self.was_replaced = False
        self.is_over = False

    def deliver(self, sequence: int, event: Event) -> None:
        self.events.append((sequence, event))

    def replaced(self) -> None:
        self.was_replaced = True

    def over(self) -> None:
        self.is_over = True

    def types(self) -> list[str]:
        return [event.type for _, event in self.events]

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for _, event in self.events if isinstance(event, kind)]


class FakePeer:
    def __init__(self, listener: Any, may_answer: asyncio.Event | None) -> None:
        self.listener = listener
        self.may_answer = may_answer
        self.source: FakePeer | None = None
        self.last_rtp_s: float | None = None
        self.closed = False
        self.video = KindStats()
        self.candidates: list[str] = []
        self.offers = 0

    async def answer(self, sdp: str) -> str:
        if self.may_answer is not None:
            await self.may_answer.wait()
        if sdp == "bad":
            raise InvalidOffer("The SDP offer cannot be answered: it has no media.")
        self.offers += 1
        return f"answer to {sdp}"

    async def add_candidate(self, candidate: str, mid: str | None, line: int | None) -> None:
        self.candidates.append(candidate)

    def stats(self) -> PeerStats:
        return PeerStats(video=self.video)

    def listen_to(self, source: FakePeer | None) -> None:
        self.source = source

    async def close(self) -> None:
        self.closed = True


class FakeStore:
    def __init__(self) -> None:
        self.recorded: list[Event] = []
        self.consultations_by_id = {"consultation-1": a_consultation()}
        self.said: list[Any] = []
        self.typed: list[Any] = []
        self.tip_records: list[Any] = []
        self.named: list[Any] = []
        self.people: list[Any] = []
        self.away = False
        self.noted: list[str] = []
        self.state_callbacks: list[Callable[..., None]] = []

    def record(self, consultation_id: str, event: Event) -> None:
        self.recorded.append(event)

    def subscribe_state(self, callback: Callable[..., None]) -> Callable[[], None]:
        self.state_callbacks.append(callback)
        return lambda: self.state_callbacks.remove(callback)

    async def consultation(self, consultation_id: str) -> Consultation:
        if self.away:
            raise DatabaseUnavailable
        if consultation_id not in self.consultations_by_id:
            raise NotFound
        return self.consultations_by_id[consultation_id]

    async def agent(self, agent_id: str) -> Agent:
        return AGENT

    async def participants(self, consultation_id: str) -> list[Any]:
        return self.people

    async def utterances(self, consultation_id: str) -> list[Any]:
        return self.said

    async def chat_messages(self, consultation_id: str) -> list[Any]:
        return self.typed

    async def tips(self, consultation_id: str) -> list[Any]:
        return self.tip_records

    async def interactions(self, consultation_id: str) -> list[Any]:
        return []

    async def context(self, consultation_id: str) -> str:
        return ""

    async def entities(self, consultation_id: str) -> list[Any]:
        return self.named

    async def without_recordings(self, consultation_ids: list[str]) -> list[str]:
        return [one for one in consultation_ids if one not in self.noted]

    async def live_consultations(self) -> list[Consultation]:
        return [one for one in self.consultations_by_id.values() if one.status is ConsultationStatus.LIVE]


class FakeChannel:
    def __init__(self, on_event: Callable[[Any], None]) -> None:
        self.on_event = on_event
        self.packets: list[Any] = []
        self.connections = 0
        self.closed = False
        self.waited_most_s = 0.0
        self.backlog: asyncio.Event | None = None

    def push_packet(self, packet: Any) -> None:
        self.packets.append(packet)

    def mark_connection(self) -> None:
        self.connections += 1

    async def close(self, timeout_s: float = 10.0, most_s: float = 0.0) -> None:
        self.closed, self.waited_most_s = True, max(timeout_s, most_s)
        if self.backlog is not None and not most_s:
            self.backlog.set()
        if self.backlog is not None:
            await self.backlog.wait()


class FakeSpeech:
    def __init__(self) -> None:
        self.state = StateChanged("ok")
        self.channels: list[FakeChannel] = []
        self.options: list[Any] = []
        self.state_callbacks: list[Callable[..., None]] = []

    def subscribe_state(self, callback: Callable[..., None]) -> Callable[[], None]:
        self.state_callbacks.append(callback)
        return lambda: self.state_callbacks.remove(callback)

    def open(self, options: Any, on_event: Callable[[Any], None]) -> FakeChannel:
        self.options.append(options)
        self.channels.append(FakeChannel(on_event))
        return self.channels[-1]


@dataclass
class FakeRecorder:
    folder: Path
    on_failure: Callable[[str], None]
    fails_to_open: bool = False
    disk: asyncio.Event | None = None
    calls: list[str] = field(default_factory=list)
    packets: list[Any] = field(default_factory=list)
    reports: list[Any] = field(default_factory=list)
    ended_at_s: float | None = None
    failed: bool = False

    async def open(self) -> None:
        if self.disk is not None:
            await self.disk.wait()
        if self.fails_to_open:
            raise DiskFull("The recordings folder cannot be written: read-only file system.")
        self.calls.append("open")

    def write_packet(self, role: Any, packet: Any) -> None:
        self.packets.append((role, packet))

    def write_report(self, role: Any, report: Any) -> None:
        self.reports.append((role, report))

    def mark_connection(self, role: Any) -> None:
        self.calls.append(f"connection {role.value}")

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    async def close(self, ended_at_s: float) -> None:
        self.calls.append("close")
        self.ended_at_s = ended_at_s


class FakeAdvisor:
    def __init__(self, listener: Any) -> None:
        self.listener = listener
        self.on_tip = listener.on_tip
        self.on_state = listener.on_state
        self.background: Any = None
        self.questions: list[tuple[str, str]] = []
        self.utterances: list[Any] = []
        self.marks: list[Any] = []
        self.fault: Exception | None = None
        self._closed = asyncio.Event()

    def restore(self, utterances: Any, given: Any, interactions: Any = ()) -> None:
        self.utterances.extend(utterances)

    def know(self, background: Any) -> None:
        self.background = background

    def ask(self, question_id: str, text: str) -> None:
        self.questions.append((question_id, text))

    def heard(self, utterance: Any) -> None:
        self.utterances.append(utterance)

    def marked(self, tip: Any, mark: Any) -> None:
        self.marks.append((tip, mark))

    async def run(self) -> None:
        if self.fault is not None:
            raise self.fault
        await self._closed.wait()

    async def close(self) -> None:
        self._closed.set()


class House:
    """Everything around rooms, faked, with handles for the tests."""

    def __init__(self, tmp_path: Path, **settings: Any) -> None:
        self.time = FakeTime()
        self.settings = Settings(_env_file=None, recordings_dir=tmp_path, data_dir=tmp_path, **settings)
        self.store = FakeStore()
        self.speech = FakeSpeech()
        self.live = MemoryLiveStore()
        self.recorders: list[FakeRecorder] = []
        self.advisors: list[FakeAdvisor] = []
        self.look_up: Any = nothing_looked_up
        self.extraction = ExtractionOptions(RuleExtractor())
        self.peers: list[FakePeer] = []
        self.finalized: list[Path] = []
        self.recovered: list[Path] = []
        self.left_over: list[Path] = []
        self.done_before: list[Path] = []
        self.free_mb = 100_000
        self.recorder_fails = False
        self.disk: asyncio.Event | None = None
        self.peers_answer: asyncio.Event | None = None
        self.advisor_fault: Exception | None = None
        self.finishing: asyncio.Event | None = None
        self.finish_fault: Exception | None = None
        self.files: tuple[Any, ...] = (A_FILE,)

    def services(self) -> RoomServices:
        return RoomServices(
            settings=self.settings,
            store=self.store,  # type: ignore[arg-type]
            live=self.live,
            speech=self.speech,  # type: ignore[arg-type]
            recording=Recording(
                create=self._create_recorder,  # type: ignore[arg-type]
                finalize=self._finish(self.finalized),
                recover=self._finish(self.recovered),
                unfinished=lambda _: list(self.left_over),
                finished=lambda _: list(self.done_before),
                free_mb=self._free,
            ),
            create_peer=self._create_peer,  # type: ignore[arg-type]
            create_annotator=self._create_annotator,
            create_advisor=self._create_advisor,  # type: ignore[arg-type]
            look_up=self.look_up,
        )

    def room(self, **consultation: Any) -> Seating:
        room = Room(a_consultation(**consultation), AGENT, self.services(), self.time.clock())
        room.open()
        return Seating(room)

    def _free(self, _: Path) -> int:
        if self.free_mb < 0:
            raise OSError(5, "Input/output error")
        return self.free_mb

    def _create_recorder(self, folder: Path, clock: RoomClock, on_failure: Callable[[str], None]) -> FakeRecorder:
        self.recorders.append(FakeRecorder(folder, on_failure, self.recorder_fails, self.disk))
        return self.recorders[-1]

    def _create_peer(self, listener: Any, now_s: Callable[[], float]) -> FakePeer:
        self.peers.append(FakePeer(listener, self.peers_answer))
        return self.peers[-1]

    def _create_advisor(self, agent: Any, language: Any, listener: Any) -> FakeAdvisor:
        self.advisors.append(FakeAdvisor(listener))
        self.advisors[-1].fault = self.advisor_fault
        return self.advisors[-1]

    def _create_annotator(self, agent: Any, on_found: Any, on_state: Any) -> Annotator:
        return Annotator(self.extraction, on_found, on_state)

    def _finish(self, done: list[Path]) -> Any:
        async def finish(folder: Path, on_progress: Callable[[float], None]) -> Any:
            done.append(folder)
            on_progress(0.5)
            if self.finishing is not None:
                await self.finishing.wait()
            if self.finish_fault is not None:
                raise self.finish_fault
            return SimpleNamespace(files=self.files)

        return finish


def join(seating: Seating, role: Any, *, identity: str | None = None, consent: bool | None = True, after: int = 0):
    """Take a seat as signaling does; return seat, connection and what was missed."""
    connection = FakeConnection()
    request = JoinRequest(role, identity or role.value, role.value.title(), consent, after)
    greeting = seating.join(request, connection)
    seating.announce(greeting.seat, request)
    return greeting.seat, connection, greeting.missed


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)
