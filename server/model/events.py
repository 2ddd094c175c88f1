"""Every fact a room can state: past tense, frozen, and also what travels to the browsers.

`at_s` is the room time, in seconds, at which the fact was stated.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from .advice_events import BudgetSpent, InteractionLogged, QuestionAsked, TipReleased
from .consultation import Frozen, Role
from .entities import Entity
from .insight import Audience, Tip, TipMark
from .recording_events import DiskLow, RecordingFinalized, RecordingRefused, RecordingStarted, RecordingStopped
from .transcript import Utterance

EndReason = Literal["ended_by_clinician", "ended_by_api", "idle", "max_duration", "server_stopped", "abandoned"]
ConnectionState = Literal["connecting", "connected", "unstable", "lost"]
Bars = Annotated[int, Field(ge=1, le=4)]
Sidecar = Literal["recording", "speech", "entities", "tips", "storage", "live"]
SidecarState = Literal["ok", "starting", "delayed", "failing"]


class ConsultationOpened(Frozen):
    """The first participant took a seat; the room clock starts."""

    type: Literal["consultation_opened"] = "consultation_opened"
    at_s: float
    opened_at: datetime


class ParticipantJoined(Frozen):
    """Someone took a seat, or came back to it."""

    type: Literal["participant_joined"] = "participant_joined"
    at_s: float
    role: Role
    identity: str
    name: str
    returned: bool = False


class ParticipantLeft(Frozen):
    """Someone gave up the seat, or the grace for coming back ran out."""

    type: Literal["participant_left"] = "participant_left"
    at_s: float
    role: Role
    reason: Literal["left", "grace_expired", "ended"]


class ConnectionChanged(Frozen):
    """A participant's media comes, falters or stops."""

    type: Literal["connection_changed"] = "connection_changed"
    at_s: float
    role: Role
    state: ConnectionState


class QualityChanged(Frozen):
    """How well a participant's network carries the call, as that participant's browser sees it: 1 (bad) to 4."""

    type: Literal["quality_changed"] = "quality_changed"
    at_s: float
    role: Role
    bars: Bars


class ParticipantAway(Frozen):
    """A participant's socket is gone; the seat is kept until `kept_until_s`."""

    type: Literal["participant_away"] = "participant_away"
    at_s: float
    role: Role
    kept_until_s: float


class MediaChanged(Frozen):
    """A participant switched microphone, camera or screen sharing."""

    type: Literal["media_changed"] = "media_changed"
    at_s: float
    role: Role
    microphone: bool
    camera: bool
    screen: bool


class ConsentChanged(Frozen):
    """A participant allowed or refused recording and transcription."""

    type: Literal["consent_changed"] = "consent_changed"
    at_s: float
    role: Role
    granted: bool
    mode: Literal["ask", "external"] = "ask"


class InterimTranscript(Frozen):
    """What somebody seems to be saying; the next one of the same utterance replaces it.

    The first `settled_chars` characters of `text` will not change any more.
    """

    type: Literal["interim_transcript"] = "interim_transcript"
    at_s: float
    utterance_id: str
    role: Role
    start_s: float
    end_s: float
    text: str
    settled_chars: int = 0
    language: str


class FinalTranscript(Frozen):
    """What somebody said. It never changes."""

    type: Literal["final_transcript"] = "final_transcript"
    at_s: float
    utterance: Utterance


class EntitiesFound(Frozen):
    """What an utterance names, and what it settles of a question before it: keep entities by `id`, the last one wins.

    `provider` found them, `latency_s` after the final transcript of `utterance_id` was stated.
    """

    type: Literal["entities_found"] = "entities_found"
    at_s: float
    utterance_id: str
    entities: tuple[Entity, ...]
    provider: str = ""
    latency_s: float = 0.0


class AudioGap(Frozen):
    """Speech recognition did not get this stretch of somebody's audio in time."""

    type: Literal["audio_gap"] = "audio_gap"
    at_s: float
    role: Role
    start_s: float
    end_s: float


class ChatSent(Frozen):
    """A participant typed something to both."""

    type: Literal["chat_sent"] = "chat_sent"
    at_s: float
    message_id: str
    role: Role
    name: str
    text: str


class TipReady(Frozen):
    """A tip for its audience."""

    type: Literal["tip_ready"] = "tip_ready"
    at_s: float
    tip: Tip


class TipMarked(Frozen):
    """Its reader did something with a tip."""

    type: Literal["tip_marked"] = "tip_marked"
    at_s: float
    tip_id: str
    audience: Audience
    mark: TipMark
    role: Role


class ReportReady(Frozen):
    """A version of the report was drafted; it is read through the API. `unsupported` of its `statements` are doubted.

    `model` is the chat model that wrote it, empty for the rules.
    """

    type: Literal["report_ready"] = "report_ready"
    at_s: float
    version: int
    template: str
    statements: int
    unsupported: int
    model: str = ""


class SidecarStateChanged(Frozen):
    """Something beside the call (speech, tips, storage, …) changed its state; the call goes on."""

    type: Literal["sidecar_state_changed"] = "sidecar_state_changed"
    at_s: float
    sidecar: Sidecar
    state: SidecarState
    detail: str = ""


class SidecarFailed(Frozen):
    """A task beside the call failed; the call goes on."""

    type: Literal["sidecar_failed"] = "sidecar_failed"
    at_s: float
    sidecar: Sidecar
    detail: str = ""


class ConsultationEnded(Frozen):
    """The consultation is over for both."""

    type: Literal["consultation_ended"] = "consultation_ended"
    at_s: float
    reason: EndReason
    by: Role | None = None


Event = (
    ConsultationOpened
    | ParticipantJoined
    | ParticipantLeft
    | ConnectionChanged
    | QualityChanged
    | ParticipantAway
    | MediaChanged
    | ConsentChanged
    | RecordingStarted
    | RecordingStopped
    | RecordingRefused
    | DiskLow
    | RecordingFinalized
    | InterimTranscript
    | FinalTranscript
    | EntitiesFound
    | AudioGap
    | ChatSent
    | TipReady
    | QuestionAsked
    | TipReleased
    | BudgetSpent
    | InteractionLogged
    | TipMarked
    | ReportReady
    | SidecarStateChanged
    | SidecarFailed
    | ConsultationEnded
)
AnyEvent = Annotated[Event, Field(discriminator="type")]
event_adapter: TypeAdapter[Event] = TypeAdapter(AnyEvent)
"""Reads and writes any event as JSON."""

EPHEMERAL = (InterimTranscript, QualityChanged, ParticipantAway)
"""Events that are shown and forgotten: neither stored nor replayed."""
