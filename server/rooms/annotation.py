"""Entities in a room: feeds what is said to the annotator and states what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from ..insight.annotator import Annotator, Found
from ..model.bus import EventBus
from ..model.clock import RoomClock
from ..model.consultation import Agent
from ..model.entities import Entity
from ..model.errors import EscutaError
from ..model.events import EntitiesFound, Event, FinalTranscript, SidecarFailed, SidecarState, SidecarStateChanged
from ..model.transcript import Utterance
from .services import CreateAnnotator

log = structlog.get_logger()


class Annotation:
    """One room's entities."""

    def __init__(
        self, create: CreateAnnotator, agent: Agent, clock: RoomClock, publish: Callable[[Event], None]
    ) -> None:
        self._clock = clock
        self._publish = publish
        self.fault: SidecarFailed | None = None
        """Why nothing is found, if nothing can be."""
        self._annotator = self._created(create, agent)

    @property
    def entities(self) -> Sequence[Entity]:
        """What was named so far, each as it stands now."""
        return () if self._annotator is None else tuple(self._annotator.known.values())

    async def listen(self, bus: EventBus) -> None:
        """Hand every final transcript to the annotator until the bus closes."""
        if self._annotator is None:
            return
        try:
            with bus.subscribe(FinalTranscript) as finals:
                async for event in finals:
                    if isinstance(event, FinalTranscript):
                        self._annotator.heard(event.utterance)
        finally:
            self._annotator.finish()

    async def run(self) -> None:
        """Let the annotator read until nothing more will be said."""
        if self._annotator is not None:
            await self._annotator.run()

    def restore(self, utterances: Sequence[Utterance], entities: Sequence[Entity]) -> None:
        """Take over what was said and found in the room's earlier life."""
        if self._annotator is not None:
            self._annotator.restore(utterances, entities)

    def _created(self, create: CreateAnnotator, agent: Agent) -> Annotator | None:
        try:
            return create(agent, self._on_found, self._on_state)
        except Exception as error:
            # A knowledge file or setting that cannot be used costs the marks, not the consultation.
            log.exception("entities.cannot_start")
            detail = str(error) if isinstance(error, EscutaError) else type(error).__name__
            self.fault = SidecarFailed(at_s=self._clock.now_s(), sidecar="entities", detail=detail)
            return None

    def _on_found(self, found: Found) -> None:
        self._publish(
            EntitiesFound(
                at_s=self._clock.now_s(),
                utterance_id=found.utterance_id,
                entities=found.entities,
                provider=found.provider,
                latency_s=found.latency_s,
            )
        )

    def _on_state(self, state: SidecarState, detail: str) -> None:
        self._publish(SidecarStateChanged(at_s=self._clock.now_s(), sidecar="entities", state=state, detail=detail))
