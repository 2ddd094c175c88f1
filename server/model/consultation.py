"""Who meets, in which language, with whose consent."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .tip_kind import TipKind

Language = Literal["pt", "en", "auto"]
ConsentMode = Literal["ask", "external"]
ConsultationId = Annotated[str, Field(pattern=r"^[a-z0-9-]{8,64}$")]
Identity = Annotated[str, Field(min_length=1, max_length=128)]
PersonName = Annotated[str, Field(min_length=1, max_length=100)]


class Frozen(BaseModel):
    """A value that never changes and knows exactly its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Role(StrEnum):
    """Which of the two seats."""

    CLINICIAN = "clinician"
    PATIENT = "patient"

    @property
    def other(self) -> Role:
        """The seat across."""
        return Role.PATIENT if self is Role.CLINICIAN else Role.CLINICIAN


class ConsultationStatus(StrEnum):
    """Where a consultation is in its life."""

    SCHEDULED = "scheduled"
    LIVE = "live"
    ENDED = "ended"


class AdviceRules(Frozen):
    """What an agent may suggest, to whom, at what cost, and from which sources.

    `suggests` are kinds of tips. `to_patient`: whether explanations may be made, for the clinician to release.
    `max_calls` and `max_tokens` bound what a chat model is asked in one consultation. `sources` name context sources
    of the server's own file. `shares_names`: whether the chat model is told the participants' names.
    """

    suggests: tuple[TipKind, ...] = tuple(TipKind)
    to_patient: Literal["nothing", "released"] = "released"
    max_calls: int = Field(default=300, ge=0, le=100_000)
    max_tokens: int = Field(default=1_000_000, ge=0, le=1_000_000_000)
    sources: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")], ...] = Field(default=(), max_length=8)
    shares_names: bool = False


class Agent(AdviceRules):
    """What listens: models, language and prompt, and what it may advise, as a record the owner edits."""

    id: str
    name: str
    chat_model: str | None = None
    speech_provider: str | None = None
    language: Language = "pt"
    sensitivity: float = Field(default=0.5, ge=0.0, le=1.0)
    prompt: str = ""
    report_template: str = "soap"


class Consultation(Frozen):
    """One planned, running or ended consultation."""

    id: ConsultationId
    title: str = ""
    language: Language = "pt"
    agent_id: str
    status: ConsultationStatus = ConsultationStatus.SCHEDULED
    created_at: datetime
    opened_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None


class Participant(Frozen):
    """Someone who holds, or held, a seat."""

    role: Role
    identity: Identity
    name: PersonName
    consent: bool | None = None
    joined_at: datetime | None = None
    left_at: datetime | None = None
    present_s: float = 0.0
