"""Things to keep, made quickly."""

from datetime import UTC, datetime
from typing import Any

from server.model.advice_events import (
    BudgetSpent,
    Interaction,
    InteractionLogged,
    QuestionAsked,
    TipReleased,
)
from server.model.consultation import Consultation, Role
from server.model.entities import Entity
from server.model.events import (
    AudioGap,
    ChatSent,
    ConnectionChanged,
    ConsentChanged,
    ConsultationEnded,
    ConsultationOpened,
    EntitiesFound,
    Event,
    FinalTranscript,
    InterimTranscript,
    MediaChanged,
    ParticipantJoined,
    ParticipantLeft,
    SidecarFailed,
    SidecarStateChanged,
    TipMarked,
    TipReady,
)
from server.model.insight import Audience, Evidence, Tip, TipKind, TipMark
from server.model.recording_events import (
    DiskLow,
    RecordingFile,
    RecordingFinalized,
    RecordingRefused,
    RecordingStarted,
    RecordingStopped,
)
from server.model.transcript import Utterance, Word

CID = "consultation-1"
UNLOGGED = ("interim_transcript", "final_transcript", "entities_found", "interaction_logged")
"""Events that have a place of their own, and none in the activity log."""
OPENED_AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
SECRET = "palavra-secreta"
"""What was said: must never stand in a log."""


def consultation(consultation_id: str = CID, **fields: Any) -> Consultation:
    known = {"id": consultation_id, "agent_id": "default", "created_at": OPENED_AT}
    return Consultation.model_validate(known | fields)


def joined(at_s: float, role: Role = Role.PATIENT, identity: str = "patient-1", *, returned: bool = False) -> Event:
    return ParticipantJoined(at_s=at_s, role=role, identity=identity, name="Ana", returned=returned)


def left(at_s: float, role: Role = Role.PATIENT) -> Event:
    return ParticipantLeft(at_s=at_s, role=role, reason="left")


def connection(at_s: float, state: Any, role: Role = Role.PATIENT) -> Event:
    return ConnectionChanged(at_s=at_s, role=role, state=state)


def said(number: int, text: str = "dói aqui", start_s: float | None = None) -> FinalTranscript:
    start_s = float(number) if start_s is None else start_s
    utterance = Utterance(
        id=f"u{number}",
        role=Role.PATIENT,
        start_s=start_s,
        end_s=start_s + 0.5,
        text=text,
        words=(Word(text=text, start_s=start_s, end_s=start_s + 0.5, probability=0.9),),
        language="pt",
        provider="scripted",
    )
    return FinalTranscript(at_s=start_s + 1, utterance=utterance)


def entity(entity_id: str = "u5.0.4.SymptomOrSign", text: str = "dói", **fields: Any) -> Entity:
    known = {"id": entity_id, "utterance_id": "u5", "category": "SymptomOrSign", "text": text, "start": 0, "end": 4}
    return Entity.model_validate(known | fields)


def tip(tip_id: str = "tip-1", text: str = "Pergunte desde quando.") -> Tip:
    return Tip(
        id=tip_id,
        kind=TipKind.ACTION,
        audience=Audience.CLINICIAN,
        text=text,
        urgent=True,
        subject="dor no peito",
        evidence=(Evidence(utterance_id="u1", quote="dói", start_s=1.0, end_s=1.5),),
        model="rules",
        latency_s=0.25,
    )


def interaction(interaction_id: str = "i1", **fields: object) -> Interaction:
    asked = {"id": interaction_id, "purpose": "tips", "generator": "scripted", "outcome": "answered"}
    more = {"model": "small", "prompt_version": "tips@0", "prompt_tokens": 9, "heard": ("u1",), "sources": {"a": "ok"}}
    return Interaction.model_validate(asked | more | {"tip_ids": ("tip-1",)} | fields)


def recording(name: str, role: Role | None, size_bytes: int = 1000) -> RecordingFile:
    return RecordingFile.model_validate(
        {
            "name": name,
            "role": role,
            "format": name.rpartition(".")[2],
            "start_s": 0.0,
            "duration_s": 61.5,
            "size_bytes": size_bytes,
            "sha256": "0" * 64,
        }
    )


def one_of_each(text: str = SECRET) -> list[Event]:
    """Return every kind of event, in a sensible order, with `text` wherever people's words stand."""
    patient = Role.PATIENT
    words = Tip.model_validate(tip(text=text).model_dump() | {"subject": text})
    return [
        ConsultationOpened(at_s=0.0, opened_at=OPENED_AT),
        joined(1.0),
        connection(1.5, "connected"),
        ConsentChanged(at_s=2.0, role=patient, granted=True),
        MediaChanged(at_s=2.5, role=patient, microphone=True, camera=False, screen=False),
        RecordingRefused(at_s=3.0, reason="disk_full", message="Too little disk is free."),
        RecordingStarted(at_s=3.5),
        DiskLow(at_s=4.0, free_mb=900),
        InterimTranscript(at_s=4.5, utterance_id="u1", role=patient, start_s=4.0, end_s=4.5, text=text, language="pt"),
        said(5, text),
        EntitiesFound(
            at_s=6.0, utterance_id="u5", entities=(entity(text=text, name=text, normal=text),), provider="rules"
        ),
        AudioGap(at_s=6.0, role=patient, start_s=5.5, end_s=6.0),
        ChatSent(at_s=6.5, message_id="m1", role=patient, name="Ana", text=text),
        TipReady(at_s=7.0, tip=words),
        TipReleased(at_s=7.2, tip=words),
        QuestionAsked(at_s=7.3, question_id="q1", text=text),
        BudgetSpent(at_s=7.4, calls=3, tokens=900),
        InteractionLogged(at_s=7.4, interaction=interaction()),
        TipMarked(at_s=7.5, tip_id="tip-1", audience=Audience.CLINICIAN, mark=TipMark.USEFUL, role=Role.CLINICIAN),
        SidecarStateChanged(at_s=8.0, sidecar="speech", state="delayed", detail="Speech is behind."),
        SidecarFailed(at_s=8.5, sidecar="tips", detail="The model does not answer."),
        left(9.0),
        RecordingStopped(at_s=9.5, reason="consultation_ended"),
        ConsultationEnded(at_s=10.0, reason="ended_by_clinician", by=Role.CLINICIAN),
        RecordingFinalized(at_s=10.5, files=(recording("patient.ogg", patient), recording("patient.wav", patient))),
    ]
