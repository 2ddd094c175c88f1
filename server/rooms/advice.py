"""Tips in a room: feeds what is said to the advisor, keeps what it gave, and says who may mark it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

import structlog

from ..insight.advisor import Advisor
from ..model.audience import roles_of
from ..model.bus import EventBus
from ..model.clock import RoomClock
from ..model.consultation import Agent, Language, Role
from ..model.errors import EscutaError, Forbidden, NotFound
from ..model.events import Event, FinalTranscript, SidecarFailed, SidecarState, SidecarStateChanged, TipMarked, TipReady
from ..model.insight import Tip, TipMark
from ..model.transcript import Utterance
from .services import CreateAdvisor

log = structlog.get_logger()


class Advice:
    """One room's tips."""

    def __init__(
        self,
        create: CreateAdvisor,
        agent: Agent,
        language: Language,
        clock: RoomClock,
        publish: Callable[[Event], None],
    ) -> None:
        self._clock = clock
        self._publish = publish
        self.fault: SidecarFailed | None = None
        """Why there are no tips, if there can be none."""
        self._tips: dict[str, Tip] = {}
        self._advisor = self._created(create, agent, language)

    async def listen(self, bus: EventBus) -> None:
        """Hand every final transcript to the advisor until the bus closes."""
        with bus.subscribe(FinalTranscript) as finals:
            async for event in finals:
                if isinstance(event, FinalTranscript) and self._advisor is not None:
                    self._advisor.heard(event.utterance)

    async def run(self) -> None:
        """Let the advisor think until it is closed."""
        if self._advisor is not None:
            await self._advisor.run()

    async def close(self) -> None:
        """End the advisor."""
        if self._advisor is not None:
            await self._advisor.close()

    def restore(self, utterances: Sequence[Utterance], tips: Sequence[Tip]) -> None:
        """Take over what was said and advised in the room's earlier life."""
        self._tips.update((tip.id, tip) for tip in tips)
        if self._advisor is not None:
            self._advisor.restore(utterances, tips)

    def mark(self, role: Role, tip_id: str, mark: TipMark) -> None:
        """Note what a reader did with a tip.

        Raises:
            NotFound: If there is no such tip.
            Forbidden: If the tip is not meant for `role`.
        """
        tip = self._tips.get(tip_id)
        if tip is None:
            raise NotFound(f"There is no tip {tip_id!r} in this consultation.")
        if role not in roles_of(tip.audience):
            raise Forbidden("This tip is not meant for you.")
        if self._advisor is not None:
            self._advisor.marked(tip, mark)
        self._publish(TipMarked(at_s=self._clock.now_s(), tip_id=tip.id, audience=tip.audience, mark=mark, role=role))

    def _created(self, create: CreateAdvisor, agent: Agent, language: Language) -> Advisor | None:
        try:
            return create(agent, language, self._on_tip, self._on_state)
        except Exception as error:
            # A knowledge file or setting that cannot be used costs the tips, not the consultation.
            log.exception("tips.cannot_start")
            detail = str(error) if isinstance(error, EscutaError) else type(error).__name__
            self.fault = SidecarFailed(at_s=self._clock.now_s(), sidecar="tips", detail=detail)
            return None

    def _on_tip(self, tip: Tip) -> None:
        unique = tip if tip.id not in self._tips else tip.model_copy(update={"id": uuid.uuid4().hex})
        self._tips[unique.id] = unique
        self._publish(TipReady(at_s=self._clock.now_s(), tip=unique))

    def _on_state(self, state: SidecarState, detail: str) -> None:
        self._publish(SidecarStateChanged(at_s=self._clock.now_s(), sidecar="tips", state=state, detail=detail))
