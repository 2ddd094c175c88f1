"""Tips in a room: feeds what is said to the advisor, keeps what it gave, and says who may mark it."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from ..model.audience import roles_of
from ..model.bus import EventBus
from ..model.clock import RoomClock
from ..model.consultation import Agent, Language, Role
from ..model.errors import Forbidden, NotFound
from ..model.events import Event, FinalTranscript, SidecarState, SidecarStateChanged, TipMarked, TipReady
from ..model.insight import Tip, TipMark
from .services import CreateAdvisor


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
        self._tips: dict[str, Tip] = {}
        self._advisor = create(agent, language, self._on_tip, self._on_state)

    async def listen(self, bus: EventBus) -> None:
        """Hand every final transcript to the advisor until the bus closes."""
        with bus.subscribe(FinalTranscript) as finals:
            async for event in finals:
                if isinstance(event, FinalTranscript):
                    self._advisor.heard(event.utterance)

    async def run(self) -> None:
        """Let the advisor think until it is closed."""
        await self._advisor.run()

    async def close(self) -> None:
        """End the advisor."""
        await self._advisor.close()

    def restore(self, tips: list[Tip]) -> None:
        """Take over the tips of the room's earlier life."""
        self._tips.update((tip.id, tip) for tip in tips)

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
        self._advisor.marked(tip, mark)
        self._publish(TipMarked(at_s=self._clock.now_s(), tip_id=tip.id, audience=tip.audience, mark=mark, role=role))

    def _on_tip(self, tip: Tip) -> None:
        unique = tip if tip.id not in self._tips else tip.model_copy(update={"id": uuid.uuid4().hex})
        self._tips[unique.id] = unique
        self._publish(TipReady(at_s=self._clock.now_s(), tip=unique))

    def _on_state(self, state: SidecarState, detail: str) -> None:
        self._publish(SidecarStateChanged(at_s=self._clock.now_s(), sidecar="tips", state=state, detail=detail))
