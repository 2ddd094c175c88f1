"""An advisor at work in a test, and someone who listens to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.insight.advisor import Advisor
from server.insight.giving import AdvisorOptions
from server.insight.port import TipGenerator
from server.insight.providers.rules import Rules
from server.model.advice_events import Interaction
from server.model.consultation import Agent
from server.model.insight import Tip
from tests.insight.spoken import AGENT, utterance


class Listening:
    """Hears what an advisor says; `hear` lets it hear, `settle` waits until it has nothing to do."""

    def __init__(
        self, generator: TipGenerator, fallback: TipGenerator | None, agent: Agent, timeout_s: float = 30.0
    ) -> None:
        self.tips: list[Tip] = []
        self.states: list[tuple[str, str]] = []
        self.interactions: list[Interaction] = []
        self.spent: list[tuple[int, int]] = []
        self.now_s = 0.0
        self._count = 0
        options = AdvisorOptions(generator, fallback, agent, "pt", timeout_s, lambda: self.now_s)
        self.advisor = Advisor(options, self)

    def hear(self, *turns: str) -> None:
        for turn in turns:
            self.advisor.heard(utterance(turn, self._count))
            self._count += 1

    async def settle(self) -> None:
        for _ in range(40):
            await asyncio.sleep(0)

    def on_tip(self, tip: Tip) -> None:
        self.tips.append(tip)

    def on_state(self, state: str, detail: str) -> None:
        self.states.append((state, detail))

    def on_interaction(self, interaction: Interaction) -> None:
        self.interactions.append(interaction)

    def on_spent(self, calls: int, tokens: int) -> None:
        self.spent.append((calls, tokens))


@asynccontextmanager
async def listening(
    generator: TipGenerator, fallback: TipGenerator | None = None, agent: Agent = AGENT, timeout_s: float = 30.0
) -> AsyncIterator[Listening]:
    """Run an advisor; without a fallback named the rules stand in."""
    made = Listening(generator, fallback or (None if isinstance(generator, Rules) else Rules()), agent, timeout_s)
    running = asyncio.create_task(made.advisor.run())
    try:
        await asyncio.sleep(0)
        yield made
    finally:
        await made.advisor.close()
        await running
