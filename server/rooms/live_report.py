"""What a room keeps for its report: notes that settle while people talk, and a draft when they have gone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from ..insight.drafting.notebook import Notebook
from ..model.bus import EventBus
from ..model.consultation import Agent
from ..model.errors import EscutaError
from ..model.events import Event, FinalTranscript
from ..model.transcript import Utterance

log = structlog.get_logger()


class ReportDrafts(Protocol):
    """The part of the reports that a room uses."""

    def notebook(self, consultation_id: str, agent: Agent, publish: Callable[[Event], None]) -> Notebook:
        """Begin, or take up, the notes of a consultation that is live."""

    async def at_end(self, consultation_id: str) -> None:
        """Draft its report; what cannot be drafted now is drafted when it is asked for."""


class LiveReport:
    """One room's. Without `drafts` it does nothing."""

    def __init__(
        self, drafts: ReportDrafts | None, consultation_id: str, agent: Agent, publish: Callable[[Event], None]
    ) -> None:
        self._drafts = drafts
        self._id = consultation_id
        self._notebook = None if drafts is None else self._begun(drafts, agent, publish)

    def restore(self, utterances: Sequence[Utterance]) -> None:
        """Take over what was said in the room's earlier life."""
        for utterance in utterances:
            self._hear(utterance)

    async def listen(self, bus: EventBus) -> None:
        """Hand every final transcript to the notes until the bus closes."""
        with bus.subscribe(FinalTranscript) as finals:
            async for event in finals:
                if isinstance(event, FinalTranscript):
                    self._hear(event.utterance)

    async def run(self) -> None:
        """Let a chat model take notes while people talk, until cancelled."""
        if self._notebook is not None:
            await self._notebook.run()

    async def finish(self) -> None:
        """Draft the report of what was said."""
        if self._drafts is not None:
            await self._drafts.at_end(self._id)

    def _begun(self, drafts: ReportDrafts, agent: Agent, publish: Callable[[Event], None]) -> Notebook | None:
        try:
            return drafts.notebook(self._id, agent, publish)
        except EscutaError as error:
            # A setting that cannot be used costs the notes, not the consultation; the report is drafted when asked for.
            log.warning("report.cannot_start", reason=str(error))
            return None

    def _hear(self, utterance: Utterance) -> None:
        if self._notebook is None:
            return
        try:
            self._notebook.hear(utterance)
        except Exception as error:
            # One utterance that cannot be read is no reason to lose the others.
            log.warning("report.utterance_not_noted", error=type(error).__name__)
