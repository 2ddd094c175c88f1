"""What a room needs from the rooms of the house below it, so that tests can bring fakes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..insight.advisor import Advisor
from ..insight.annotator import Annotator, Found
from ..insight.background import LookUp, nothing_looked_up
from ..insight.listener import AdviceListener
from ..live.port import LiveStore
from ..media.peer import Peer, PeerListener
from ..model.advice_events import Interaction
from ..model.audio import OpusPacket, SenderReport
from ..model.clock import RoomClock
from ..model.consultation import Agent, Consultation, Language, Participant, Role
from ..model.entities import Entity
from ..model.events import ChatSent, Event, SidecarState
from ..model.insight import Tip, TipMark
from ..model.recording_events import RecordingFile
from ..model.transcript import Utterance
from ..settings import Settings
from ..speech.port import SpeechEvent, StateChanged, StreamOptions
from .finishing import Finishing
from .live_report import ReportDrafts


class EventLog(Protocol):
    """The part of the store that a room uses while it lives."""

    def record(self, consultation_id: str, event: Event) -> None:
        """Keep an event; never blocks long, never raises."""

    def subscribe_state(self, callback: Callable[[SidecarState, str], None]) -> Callable[[], None]:
        """Tell `callback` when the database goes away or returns."""


class TipRecord(Protocol):
    """A kept tip."""

    @property
    def tip(self) -> Tip:
        """What was advised."""

    @property
    def mark(self) -> TipMark | None:
        """What the clinician last did with it."""


class InteractionRecord(Protocol):
    """A kept interaction."""

    @property
    def interaction(self) -> Interaction:
        """Who was asked for advice, at what cost."""


class History(Protocol):
    """The part of the store that brings a consultation back."""

    async def consultation(self, consultation_id: str) -> Consultation:
        """Return it, or raise NotFound or DatabaseUnavailable."""

    async def agent(self, agent_id: str) -> Agent:
        """Return what listens."""

    async def participants(self, consultation_id: str) -> Sequence[Participant]:
        """Return who has sat there."""

    async def utterances(self, consultation_id: str) -> Sequence[Utterance]:
        """Return what was said."""

    async def chat_messages(self, consultation_id: str) -> Sequence[ChatSent]:
        """Return what was typed."""

    async def tips(self, consultation_id: str) -> Sequence[TipRecord]:
        """Return the tips given, with what became of them."""

    async def interactions(self, consultation_id: str) -> Sequence[InteractionRecord]:
        """Return each time that advice was asked for."""

    async def context(self, consultation_id: str) -> str:
        """Return what the agent was told beforehand."""

    async def entities(self, consultation_id: str) -> Sequence[Entity]:
        """Return what was named, each as it stands last."""

    async def without_recordings(self, consultation_ids: list[str]) -> Sequence[str]:
        """Return those that have no recording noted."""

    async def live_consultations(self) -> Sequence[Consultation]:
        """Return those that were live when the database last heard of them."""


class Store(EventLog, History, Protocol):
    """Everything rooms ask of storage."""


class SpeechChannel(Protocol):
    """One participant's way into speech recognition."""

    def push_packet(self, packet: OpusPacket) -> None:
        """Hear one packet; never blocks, never raises."""

    def mark_connection(self) -> None:
        """A new RTP stream begins."""

    async def close(self, timeout_s: float = 10.0, most_s: float = 0.0) -> None:
        """Wait for the last finals: at most `timeout_s` or, while finals come in time, `most_s`."""


class Speech(Protocol):
    """The speech service."""

    @property
    def state(self) -> StateChanged:
        """How it is doing."""

    def subscribe_state(self, callback: Callable[[StateChanged], None]) -> Callable[[], None]:
        """Tell `callback` about every change."""

    def open(self, options: StreamOptions, on_event: Callable[[SpeechEvent], None]) -> SpeechChannel:
        """Open one participant's channel; never blocks."""


class Recorder(Protocol):
    """One consultation's journal."""

    @property
    def failed(self) -> bool:
        """Nothing can be written any more; a new recorder on the same folder may carry on."""

    @property
    def rejected(self) -> int:
        """How many packets no record could be made of."""

    @property
    def lag_s(self) -> float:
        """How long the oldest record that is not safe on disk yet has waited."""

    @property
    def lost(self) -> int:
        """How many packets the disk was too slow, or unable, to take."""

    async def open(self) -> None:
        """Open or continue it; raises an EscutaError when it cannot be written."""

    def write_packet(self, role: Role, packet: OpusPacket) -> None:
        """Keep a packet; never blocks, never raises."""

    def write_report(self, role: Role, report: SenderReport) -> None:
        """Keep a sender report; never blocks, never raises."""

    def mark_connection(self, role: Role) -> None:
        """A new RTP stream begins in that seat."""

    def start(self) -> None:
        """Keep what comes from now on."""

    def stop(self) -> None:
        """Keep nothing from now on."""

    async def close(self, ended_at_s: float) -> None:
        """Make everything durable and note the end."""


class Manifest(Protocol):
    """What finalizing yields."""

    @property
    def files(self) -> tuple[RecordingFile, ...]:
        """The finished files."""


CreatePeer = Callable[[PeerListener, Callable[[], float]], Peer]
CreateRecorder = Callable[[Path, RoomClock, Callable[[str], None]], Recorder]
CreateAdvisor = Callable[[Agent, Language, AdviceListener], Advisor]
CreateAnnotator = Callable[[Agent, Callable[[Found], None], Callable[[SidecarState, str], None]], Annotator]
Finish = Callable[[Path, Callable[[float], None]], Awaitable[Manifest]]
"""Makes a folder's files, and tells how much of them is done (0 to 1)."""


@dataclass(frozen=True, slots=True)
class Recording:
    """How consultations are recorded."""

    create: CreateRecorder
    finalize: Finish
    recover: Finish
    unfinished: Callable[[Path], list[Path]]
    finished: Callable[[Path], list[Path]]
    free_mb: Callable[[Path], int]


@dataclass(frozen=True, slots=True)
class RoomServices:
    """Everything a room needs, chosen by the composition root."""

    settings: Settings
    store: Store
    live: LiveStore
    speech: Speech
    recording: Recording
    create_peer: CreatePeer
    create_annotator: CreateAnnotator
    create_advisor: CreateAdvisor
    look_up: LookUp = nothing_looked_up
    reports: ReportDrafts | None = None
    finishing: Finishing = field(default_factory=Finishing)
    owns: Callable[[str], bool] = lambda _: True
    """Whether a consultation, by its id, lives in this process."""
