"""What request handlers take from the application; the composition root puts it there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from ..model.advice_events import Interaction
from ..model.consultation import Agent, Consultation, Participant, Role
from ..model.entities import Entity
from ..model.events import ChatSent, EndReason, SidecarState
from ..model.insight import Tip, TipMark
from ..model.recording_events import RecordingFile
from ..model.recording_state import RecordingState
from ..model.report import Change, Report, ReportVersion
from ..model.seal import PartCheck
from ..model.transcript import Edition, SecondPassState, Utterance
from ..settings import Settings
from .auth import Claims, TokenAuthority
from .limits import Limits
from .metrics import Metrics

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class StoredTip(Protocol):
    """A tip and what its reader last did with it."""

    @property
    def tip(self) -> Tip: ...  # noqa: D102
    @property
    def mark(self) -> TipMark | None: ...  # noqa: D102
    @property
    def released_at_s(self) -> float | None: ...  # noqa: D102


class StoredInteraction(Protocol):
    """A time that advice was asked for."""

    @property
    def at_s(self) -> float: ...  # noqa: D102
    @property
    def interaction(self) -> Interaction: ...  # noqa: D102


class StoredActivity(Protocol):
    """One line of the activity log."""

    @property
    def at(self) -> datetime: ...  # noqa: D102
    @property
    def at_s(self) -> float: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def role(self) -> Role | None: ...  # noqa: D102
    @property
    def detail(self) -> Mapping[str, Any]: ...  # noqa: D102


class ConsultationStore(Protocol):
    """What the API needs of `storage.store.Store`. Reading raises NotFound and DatabaseUnavailable."""

    @property
    def state(self) -> tuple[SidecarState, str]:
        """How writing is doing, and one sentence about it."""

    async def create_consultation(self, consultation: Consultation, /) -> None:
        """Keep a new consultation."""

    async def consultation(self, consultation_id: str, /) -> Consultation:
        """Return one."""

    async def consultations(self, *, limit: int, before: datetime | None) -> Sequence[Consultation]:
        """Return the newest `limit` created before `before`, newest first."""

    async def agents(self) -> Sequence[Agent]:
        """Return all agents."""

    async def agent(self, agent_id: str, /) -> Agent:
        """Return one."""

    async def save_agent(self, agent: Agent, /) -> None:
        """Create or replace one."""

    async def participants(self, consultation_id: str, /) -> Sequence[Participant]:
        """Return who takes or took part."""

    async def utterances(self, consultation_id: str, edition: Edition, /) -> Sequence[Utterance]:
        """Return one edition of the transcript in the order of speech."""

    async def second_pass(self, consultation_id: str, /) -> SecondPassState:
        """Return how far the second pass over the recording is."""

    async def chat_messages(self, consultation_id: str, /) -> Sequence[ChatSent]:
        """Return the chat, oldest first."""

    async def tips(self, consultation_id: str, /) -> Sequence[StoredTip]:
        """Return the tips, oldest first."""

    async def interactions(self, consultation_id: str, /) -> Sequence[StoredInteraction]:
        """Return each time that advice was asked for, oldest first."""

    async def context(self, consultation_id: str, /) -> str:
        """Return what the agent is told beforehand; empty if nothing."""

    async def save_context(self, consultation_id: str, context: str, /) -> None:
        """Tell the agent something beforehand."""

    async def entities(self, consultation_id: str, edition: Edition, /) -> Sequence[Entity]:
        """Return what one edition of the transcript names, each as it stands last."""

    async def recordings(self, consultation_id: str, /) -> Sequence[RecordingFile]:
        """Return the finalized recording's files."""

    async def activity(self, consultation_id: str, /) -> Sequence[StoredActivity]:
        """Return the activity log, oldest first."""

    async def settled(self, timeout_s: float, /) -> bool:
        """Wait until everything recorded so far can be read."""


class RoomDirectory(Protocol):
    """What the API needs of the rooms that are live."""

    async def end(self, consultation_id: str, reason: EndReason) -> None:
        """End a consultation for both, live or not; harmless when it has ended.

        Raises:
            NotFound: If there is no such consultation.
            DatabaseUnavailable: If it is not live and the database does not answer.
        """

    def live_ids(self) -> Sequence[str]:
        """Return the ids of the consultations that are live."""

    def speech_provider(self, consultation_id: str) -> str | None:
        """Return who hears a live consultation; None if it is not live."""

    def recording_state(self, consultation_id: str) -> RecordingState | None:
        """Return how far a recording is that is being made or finished, or was lately; None if nothing is known."""


class ReportDesk(Protocol):
    """What the API needs of the reports. Each raises NotFound, Conflict or DatabaseUnavailable where it says so."""

    def is_writing(self, consultation_id: str) -> bool:
        """Tell whether a chat model is writing another draft."""

    async def versions(self, consultation_id: str) -> Sequence[ReportVersion]:
        """Return every version, oldest first."""

    async def newest(self, consultation_id: str) -> Report:
        """Return the newest version; the first is drafted if there is none."""

    async def version(self, consultation_id: str, version: int) -> Report:
        """Return one version."""

    async def draft(self, consultation_id: str, name: str | None, edition: Edition | None) -> Report:
        """Draft a new version."""

    async def change(self, consultation_id: str, base: int, changes: Sequence[Change], author: str) -> Report:
        """Return a new version with the clinician's changes."""

    async def sign(self, consultation_id: str, version: int, name: str, identity: str) -> Report:
        """Seal the newest version."""

    async def verify(self, consultation_id: str, version: int) -> tuple[PartCheck, ...]:
        """Return which of what was signed is as it was."""


REPORTS = web.AppKey("REPORTS", ReportDesk)
STORE = web.AppKey("STORE", ConsultationStore)
ROOMS = web.AppKey("ROOMS", RoomDirectory)
AUTHORITY = web.AppKey("AUTHORITY", TokenAuthority)
SETTINGS = web.AppKey("SETTINGS", Settings)
METRICS = web.AppKey("METRICS", Metrics)
LIMITS = web.AppKey("LIMITS", Limits)
STATIC_DIR = web.AppKey("STATIC_DIR", Path)
OPENAPI = web.AppKey("OPENAPI", bytes)
"""The OpenAPI document as JSON."""
SOCKET: web.AppKey[Handler] = web.AppKey("SOCKET", Callable)  # type: ignore[arg-type]
"""Serves the signaling socket (`GET /ws`)."""

CLAIMS = web.RequestKey("CLAIMS", Claims)
"""The verified token of a request to a route that needs one."""

SETTLE_TIMEOUT_S = 2.0


async def settled_store(request: web.Request) -> ConsultationStore:
    """Return the store once what was recorded before can be read from it, or after `SETTLE_TIMEOUT_S`.

    The last words and the recording are asked for in the moment they are stated. While the database is known to be
    away there is nothing to wait for: reading tells, within its own time.
    """
    store = request.app[STORE]
    if store.state[0] == "ok":
        await store.settled(SETTLE_TIMEOUT_S)
    return store
