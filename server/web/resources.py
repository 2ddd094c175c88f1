"""What the API takes and gives, beside the model's own nouns."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ..model.consultation import (
    AdviceRules,
    Agent,
    ConsentMode,
    Consultation,
    ConsultationStatus,
    Frozen,
    Language,
    Participant,
    Role,
)
from ..model.entities import Entity
from ..model.events import ChatSent
from ..model.insight import Tip, TipMark
from ..model.recording_events import RecordingFile
from ..model.recording_state import RecordingState
from ..model.transcript import Edition, SecondPassState, Utterance

# PostgreSQL keeps no NUL; one-line fields keep no control characters at all.
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]
Prose = Annotated[str, Field(pattern=r"^[^\x00]*$")]
AGENT_ID_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
AgentId = Annotated[str, Field(pattern=AGENT_ID_PATTERN)]
TranscriptFormat = Literal["json", "vtt", "srt", "text", "docx"]
DAY_S = 24 * 3600


class NewConsultation(Frozen):
    """A consultation to create. Without a language the named agent's counts, else the server's default.

    `context` is what the agent shall know beforehand; the patient never reads it.
    """

    title: Line = Field(default="", max_length=200)
    language: Language | None = None
    agent_id: AgentId | None = None
    context: Prose = Field(default="", max_length=8000)


def whole(value: object) -> object:
    """Return 600 for 600.0."""
    # To JSON Schema 600.0 is an integer.
    return int(value) if isinstance(value, float) and value.is_integer() else value


class NewToken(Frozen):
    """Who shall join, and how long the link is valid (the server's default if not given)."""

    role: Role
    identity: Line = Field(min_length=1, max_length=128)
    name: Line = Field(min_length=1, max_length=100)
    ttl_s: Annotated[int, Field(ge=60, le=30 * DAY_S), BeforeValidator(whole)] | None = None


class AgentSettings(AdviceRules):
    """An agent without its id, which stands in the address."""

    name: Line = Field(min_length=1, max_length=100)
    chat_model: Line | None = Field(default=None, max_length=200)
    speech_provider: Line | None = Field(default=None, max_length=64)
    language: Language = "pt"
    sensitivity: float = Field(default=0.5, ge=0.0, le=1.0)
    prompt: Prose = Field(default="", max_length=20_000)
    max_calls: Annotated[int, Field(ge=0, le=100_000), BeforeValidator(whole)] = 300
    max_tokens: Annotated[int, Field(ge=0, le=1_000_000_000), BeforeValidator(whole)] = 1_000_000
    report_template: str = Field(default="soap", pattern=r"^[a-z][a-z0-9_-]{0,31}$")


def _dated(value: object) -> object:
    # Pydantic would take a bare number for seconds since 1970.
    if isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\d[Tt ]", value):
        raise ValueError("use a date and time as in 2026-03-01T12:00:00Z")
    return value


class ConsultationsQuery(Frozen):
    """Which consultations to list: the newest `limit` created before `before`."""

    limit: int = Field(default=50, ge=1, le=200)
    before: Annotated[datetime, BeforeValidator(_dated)] | None = None


class TranscriptQuery(Frozen):
    """How the transcript is written, and which: heard live, or final. Without an edition: final if there is one."""

    format: TranscriptFormat = "json"
    edition: Edition | None = None


class ConsultationList(Frozen):
    """Newest first; `next_before` is the `before` of the next page, null on the last."""

    consultations: tuple[Consultation, ...]
    next_before: datetime | None


class ConsultationDetail(Consultation):
    """A consultation with those who take or took part; `live` while its room is open.

    `consent_mode` tells the page whether to ask for consent or to inform. `voices_go_to` names the service elsewhere
    that recognises speech; null where voices stay on this server.
    """

    live: bool
    consent_mode: ConsentMode
    voices_go_to: str | None
    participants: tuple[Participant, ...]


class EndedConsultation(Frozen):
    """The consultation is over for both."""

    id: str
    status: Literal[ConsultationStatus.ENDED] = ConsultationStatus.ENDED


class IssuedToken(Frozen):
    """A join token, and the link that carries it in its fragment."""

    token: str
    link: str
    expires_at: datetime


class Transcript(Frozen):
    """What both said, in order; times are seconds on the room clock. `second_pass` tells whether a final one comes."""

    consultation_id: str
    edition: Edition
    second_pass: SecondPassState
    language: Language
    utterances: tuple[Utterance, ...]


class MarkedTip(Frozen):
    """A tip, what the clinician last did with it, and the room time at which the patient was let have it."""

    tip: Tip
    mark: TipMark | None
    released_at_s: float | None = None


class TipList(Frozen):
    """The tips the caller may see, oldest first."""

    consultation_id: str
    tips: tuple[MarkedTip, ...]


class EntitiesQuery(Frozen):
    """Of which edition of the transcript; without one, of the final one if there is one."""

    edition: Edition | None = None


class EntityList(Frozen):
    """What an edition of the transcript names, in the order it was found, each as it stands last."""

    consultation_id: str
    edition: Edition
    entities: tuple[Entity, ...]


class ActivityLine(Frozen):
    """Something that happened, without what was said."""

    at: datetime
    at_s: float
    kind: str
    role: Role | None
    detail: dict[str, Any]


class ActivityLog(Frozen):
    """Who did what and when, oldest first."""

    consultation_id: str
    entries: tuple[ActivityLine, ...]


class RecordingList(RecordingState):
    """How far the recording is, and once it is `ready` its files; each is at `recordings/{name}`.

    `none`: nothing was recorded so far. `finalizing`: the call is over, or the server restarts, and the files are
    being made; `progress` says how much of that is done. `failed`: they could not be made; the journal is kept, and the
    next start of the server, or its `recover` command, tries again.
    """

    consultation_id: str
    files: tuple[RecordingFile, ...]


class Listening(Frozen):
    """The browser that asked may play the recordings until then."""

    expires_at: datetime


class RecordingPeaks(Frozen):
    """The highest magnitude of each `1 / peaks_per_s` seconds from room time 0 on, 0 to `loudest` (full scale)."""

    version: Literal[1]
    duration_s: float
    peaks_per_s: int
    loudest: int
    peaks: dict[Role, tuple[int, ...]]


class ChatLog(Frozen):
    """What was typed, oldest first."""

    consultation_id: str
    messages: tuple[ChatSent, ...]


class AgentList(Frozen):
    """All agents."""

    agents: tuple[Agent, ...]


class Health(Frozen):
    """The server answers."""

    status: Literal["ok"] = "ok"


class ProblemDetail(Frozen):
    """`code` is for programs, `message` for people."""

    code: str
    message: str


class Problem(Frozen):
    """Why a request was not served."""

    error: ProblemDetail
