"""In-memory stand-ins for what the web needs of the rest of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from server.model.advice_events import Interaction
from server.model.consultation import Agent, Consultation, ConsultationStatus, Frozen, Participant, Role
from server.model.entities import Assertion, Entity, EntityCategory
from server.model.errors import DatabaseUnavailable, NotFound
from server.model.events import ChatSent, EndReason, Event, SidecarState
from server.model.insight import Audience, Evidence, Tip, TipKind, TipMark
from server.model.recording_events import RecordingFile
from server.model.recording_state import RecordingState
from server.model.transcript import Edition, SecondPassState, Utterance, Word
from tests.shelf import FakeShelf

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CONSULTATION = "consultation-one"
OTHER_CONSULTATION = "consultation-two"
ENDED_CONSULTATION = "consultation-ended"
RECORDED_BYTES = bytes(range(256)) * 4


@dataclass(frozen=True)
class FakeTipRecord:
    tip: Tip
    mark: TipMark | None = None
    released_at_s: float | None = None


@dataclass(frozen=True)
class FakeInteractionRecord:
    at_s: float
    interaction: Interaction


@dataclass(frozen=True)
class FakeActivityEntry:
    at: datetime
    at_s: float
    kind: str
    role: Role | None
    detail: Mapping[str, Any]


@dataclass
class FakeStore:
    """A store of dictionaries; `away` makes it answer like one whose database is gone."""

    kept: dict[str, Consultation] = field(default_factory=dict)
    listeners: dict[str, Agent] = field(default_factory=dict)
    said: dict[str, list[Utterance]] = field(default_factory=dict)
    said_finally: dict[str, list[Utterance]] = field(default_factory=dict)
    passes: dict[str, SecondPassState] = field(default_factory=dict)
    typed: dict[str, list[ChatSent]] = field(default_factory=dict)
    named: dict[str, list[Entity]] = field(default_factory=dict)
    named_finally: dict[str, list[Entity]] = field(default_factory=dict)
    advised: dict[str, list[FakeTipRecord]] = field(default_factory=dict)
    asked: dict[str, list[FakeInteractionRecord]] = field(default_factory=dict)
    contexts: dict[str, str] = field(default_factory=dict)
    recorded: dict[str, list[RecordingFile]] = field(default_factory=dict)
    people: dict[str, list[Participant]] = field(default_factory=dict)
    happened: dict[str, list[FakeActivityEntry]] = field(default_factory=dict)
    reports: FakeShelf = field(default_factory=FakeShelf)
    noted: list[Event] = field(default_factory=list)
    away: bool = False
    settlings: int = 0
    broken: bool = False

    def _check(self) -> None:
        if self.away:
            raise DatabaseUnavailable
        if self.broken:
            raise RuntimeError("private words of the request")

    def _check_text(self, kept: Frozen) -> None:
        if "\\u0000" in kept.model_dump_json():
            raise RuntimeError("PostgreSQL keeps no NUL")

    async def create_consultation(self, consultation: Consultation, /) -> None:
        self._check()
        self._check_text(consultation)
        self.kept[consultation.id] = consultation

    async def consultation(self, consultation_id: str, /) -> Consultation:
        self._check()
        if consultation_id not in self.kept:
            raise NotFound("There is no consultation with this id.")
        return self.kept[consultation_id]

    async def consultations(self, *, limit: int, before: datetime | None) -> Sequence[Consultation]:
        self._check()
        found = sorted(self.kept.values(), key=lambda one: one.created_at, reverse=True)
        return [one for one in found if before is None or one.created_at < before][:limit]

    async def agents(self) -> Sequence[Agent]:
        self._check()
        return list(self.listeners.values())

    async def agent(self, agent_id: str, /) -> Agent:
        self._check()
        if agent_id not in self.listeners:
            raise NotFound("There is no agent with this id.")
        return self.listeners[agent_id]

    async def save_agent(self, agent: Agent, /) -> None:
        self._check()
        self._check_text(agent)
        self.listeners[agent.id] = agent

    async def participants(self, consultation_id: str, /) -> Sequence[Participant]:
        self._check()
        return self.people.get(consultation_id, [])

    async def utterances(self, consultation_id: str, edition: Edition, /) -> Sequence[Utterance]:
        self._check()
        return (self.said if edition == "live" else self.said_finally).get(consultation_id, [])

    async def second_pass(self, consultation_id: str, /) -> SecondPassState:
        self._check()
        kept: SecondPassState = "done" if consultation_id in self.said_finally else "none"
        return self.passes.get(consultation_id, kept)

    async def chat_messages(self, consultation_id: str, /) -> Sequence[ChatSent]:
        self._check()
        return self.typed.get(consultation_id, [])

    async def tips(self, consultation_id: str, /) -> Sequence[FakeTipRecord]:
        self._check()
        return self.advised.get(consultation_id, [])

    async def interactions(self, consultation_id: str, /) -> Sequence[FakeInteractionRecord]:
        self._check()
        return self.asked.get(consultation_id, [])

    async def context(self, consultation_id: str, /) -> str:
        self._check()
        return self.contexts.get(consultation_id, "")

    async def save_context(self, consultation_id: str, context: str, /) -> None:
        await self.consultation(consultation_id)
        self.contexts[consultation_id] = context

    async def entities(self, consultation_id: str, edition: Edition, /) -> Sequence[Entity]:
        self._check()
        return (self.named if edition == "live" else self.named_finally).get(consultation_id, [])

    async def recordings(self, consultation_id: str, /) -> Sequence[RecordingFile]:
        self._check()
        return self.recorded.get(consultation_id, [])

    async def activity(self, consultation_id: str, /) -> Sequence[FakeActivityEntry]:
        self._check()
        return self.happened.get(consultation_id, [])

    def record(self, consultation_id: str, event: Event) -> None:
        self.noted.append(event)

    @property
    def state(self) -> tuple[SidecarState, str]:
        return ("delayed", "The database does not answer.") if self.away else ("ok", "")

    async def settled(self, timeout_s: float, /) -> bool:
        self.settlings += 1
        return not self.away


@dataclass
class FakeRooms:
    """Rooms by name alone; remembers which were ended and why."""

    store: FakeStore
    live: list[str] = field(default_factory=list)
    ended: list[tuple[str, EndReason]] = field(default_factory=list)
    recordings: dict[str, RecordingState] = field(default_factory=dict)
    heard_by: str | None = None

    async def end(self, consultation_id: str, reason: EndReason) -> None:
        if consultation_id in self.live:
            self.live.remove(consultation_id)
        else:
            consultation = await self.store.consultation(consultation_id)
            if consultation.status is ConsultationStatus.ENDED:
                return
        self.ended.append((consultation_id, reason))
        if consultation_id in self.store.kept:
            ended = {"status": ConsultationStatus.ENDED, "ended_at": NOW, "end_reason": reason}
            self.store.kept[consultation_id] = self.store.kept[consultation_id].model_copy(update=ended)

    def recording_state(self, consultation_id: str) -> RecordingState | None:
        return self.recordings.get(consultation_id)

    def live_ids(self) -> Sequence[str]:
        return tuple(self.live)

    def speech_provider(self, consultation_id: str) -> str | None:
        return self.heard_by if consultation_id in self.live else None


def filled_store() -> FakeStore:
    """One consultation in which everything has happened, one empty, one ended."""
    store = FakeStore()
    store.listeners["default"] = Agent(id="default", name="Padrão")
    store.listeners["english"] = Agent(id="english", name="English", language="en")
    for index, name in enumerate((CONSULTATION, OTHER_CONSULTATION, ENDED_CONSULTATION)):
        store.kept[name] = Consultation(
            id=name, title="Dor no peito", agent_id="default", created_at=NOW.replace(minute=index)
        )
    store.kept[ENDED_CONSULTATION] = store.kept[ENDED_CONSULTATION].model_copy(
        update={"status": ConsultationStatus.ENDED, "ended_at": NOW, "end_reason": "idle"}
    )
    store.people[CONSULTATION] = [
        Participant(role=Role.CLINICIAN, identity="ana", name="Dra. Ana", consent=True, joined_at=NOW, present_s=61.5),
        Participant(role=Role.PATIENT, identity="maria", name="Maria <b>", consent=True, joined_at=NOW),
    ]
    store.said[CONSULTATION] = [
        Utterance(id="u2", role=Role.PATIENT, start_s=3.5, end_s=5.0, text="Dói aqui & <ali>\n\n-->", language="pt"),
        Utterance(
            id="u1",
            role=Role.CLINICIAN,
            start_s=1.0,
            end_s=3.25,
            text="Bom dia.",
            words=(Word(text="Bom", start_s=1.0, end_s=1.4), Word(text="dia.", start_s=1.4, end_s=1.9)),
            language="pt",
        ),
    ]
    store.named[CONSULTATION] = [
        Entity(
            id="u2.0.4.SymptomOrSign",
            utterance_id="u2",
            category=EntityCategory.SYMPTOM,
            text="Dói",
            start=0,
            end=3,
            normal="pain",
            name="dor",
            assertion=Assertion.AFFIRMED,
        )
    ]
    store.typed[CONSULTATION] = [ChatSent(at_s=4.0, message_id="m1", role=Role.PATIENT, name="Maria", text="Olá")]
    store.advised[CONSULTATION] = [
        FakeTipRecord(_tip("for-clinician", Audience.CLINICIAN), TipMark.USEFUL),
        FakeTipRecord(_tip("for-patient", Audience.PATIENT)),
        FakeTipRecord(_tip("for-all", Audience.ALL)),
    ]
    store.asked[CONSULTATION] = [
        FakeInteractionRecord(
            6.0,
            Interaction(
                id="i1",
                purpose="tips",
                generator="openai_compatible",
                model="small",
                prompt_version="tips@0123456789ab",
                prompt_tokens=900,
                completion_tokens=60,
                latency_s=1.5,
                outcome="answered",
                heard=("u2",),
                sources={"record": "ok"},
                tip_ids=("for-clinician", "gone"),
            ),
        )
    ]
    store.contexts[CONSULTATION] = "Gestante"
    store.recorded[CONSULTATION] = [
        RecordingFile(
            name=f"{role}.{form}",
            role=role,
            format=form,
            start_s=0.0,
            duration_s=61.5,
            size_bytes=len(RECORDED_BYTES),
            sha256="0" * 64,
        )
        for role in Role
        for form in ("ogg", "wav")
    ]
    store.happened[CONSULTATION] = [
        FakeActivityEntry(NOW, 0.0, "participant_joined", Role.CLINICIAN, {"name": "Dra. Ana", "returned": False})
    ]
    return store


def _tip(tip_id: str, audience: Audience) -> Tip:
    evidence = (Evidence(utterance_id="u2", quote="Dói aqui", start_s=3.5, end_s=5.0),)
    return Tip(id=tip_id, kind=TipKind.TIP, audience=audience, text="Pergunte sobre falta de ar.", evidence=evidence)
