"""What reports need of the rest of the house, so that tests can bring fakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ..insight.drafting.notebook import Notebook
from ..model.consultation import Agent, Consultation
from ..model.events import Event
from ..model.recording_events import RecordingFile
from ..model.report import Report, ReportVersion, Signature
from ..model.transcript import Edition, SecondPassState, Utterance

CreateNotebook = Callable[[Agent], Notebook]


class Shelf(Protocol):
    """The versions that are kept."""

    async def versions(self, consultation_id: str) -> Sequence[ReportVersion]:
        """Return every version, oldest first, without what it says."""

    async def newest(self, consultation_id: str) -> Report | None:
        """Return the newest version, None if there is none."""

    async def version(self, consultation_id: str, version: int) -> Report:
        """Return one version, or raise NotFound."""

    async def add(self, report: Report) -> bool:
        """Keep a new version; False if it does not follow the newest one."""

    async def sign(self, consultation_id: str, version: int, signature: Signature) -> bool:
        """Seal a version for good; False if it is signed already."""


class ReportArchive(Protocol):
    """The part of the store that reports need. Reading raises NotFound and DatabaseUnavailable."""

    @property
    def reports(self) -> Shelf:
        """The versions."""

    def record(self, consultation_id: str, event: Event) -> None:
        """Keep an event."""

    async def consultation(self, consultation_id: str) -> Consultation:
        """Return one."""

    async def agent(self, agent_id: str) -> Agent:
        """Return what listened."""

    async def utterances(self, consultation_id: str, edition: Edition) -> Sequence[Utterance]:
        """Return one edition of the transcript."""

    async def second_pass(self, consultation_id: str) -> SecondPassState:
        """Return how far the second pass over the recording is."""

    async def recordings(self, consultation_id: str) -> Sequence[RecordingFile]:
        """Return the finalized recording's files."""
