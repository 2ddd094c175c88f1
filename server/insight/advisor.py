"""Decides when to ask for tips, asks once at a time, and keeps a slow or failing model away from everyone.

Two readers of the same dialogue: rules, which consider every turn at once, and a model, which is asked after a
patient's turn that says something new, within a budget. Without a model the rules are all there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from ..model.advice_events import Interaction
from ..model.events import SidecarState
from ..model.insight import Tip, TipKind, TipMark
from ..model.transcript import Utterance
from .asking import ask
from .background import Background
from .budget import Budget
from .call import Call
from .dossier import Dossier
from .giving import AdvisorCounters, AdvisorOptions, Giving
from .listener import AdviceListener
from .model_reader import ModelReader
from .port import TipGenerator
from .questions import Question, Questions
from .smalltalk import says_something
from .waiting import Batch, Waiting

log = structlog.get_logger()

LOCAL_S = 2.0
"""Longest wait for the rules, and for anything once the consultation has ended."""


class Advisor:
    """One consultation's. `heard`, `ask` and `marked` never block; `run` does the work."""

    def __init__(self, options: AdvisorOptions, listener: AdviceListener) -> None:
        is_local = bool(getattr(options.generator, "local", False))
        self._options = options
        self._local = options.generator if is_local else options.fallback
        self._dossier = Dossier(options.agent, options.language)
        budget = Budget(options.agent.max_calls, options.agent.max_tokens)
        self._giving = Giving(options, self._dossier, listener, budget)
        self._model = None if is_local else ModelReader(options.generator, self._giving, self._serve, LOCAL_S)
        self._questions = Questions(None if is_local else options.generator, self._giving)
        self._at_once = Waiting()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def counters(self) -> AdvisorCounters:
        """What it did so far."""
        return self._giving.counters

    @property
    def state(self) -> SidecarState:
        """How its generator does."""
        return self._giving.state

    def heard(self, utterance: Utterance) -> None:
        """Take a final transcript; asks for tips if it says something new. Never blocks."""
        now_s = self._options.now_s()
        before, is_news = self._dossier.add(utterance)
        if not says_something(utterance, before):
            return
        modelled = self._model is not None and is_news
        if self._local is not None:
            self._at_once.add(utterance.id, now_s, modelled=modelled)
        if self._model is not None and is_news:
            self._model.hand(utterance.id, now_s)

    def ask(self, question_id: str, text: str) -> None:
        """Take a question of the clinician's; a tip of kind `answer` follows. Never blocks.

        Raises:
            TooFrequent: If others wait already.
        """
        self._questions.add(Question(question_id, text, self._options.now_s()))

    def know(self, background: Background) -> None:
        """Take what is known besides what is said, instead of what was known until now."""
        self._dossier.background = background

    def marked(self, tip: Tip, mark: TipMark) -> None:
        """Note what a reader did with a tip: what was dismissed does not return in other words either."""
        self._dossier.given.add(tip)
        if mark is TipMark.DISMISSED:
            self._dossier.given.dismiss(tip)

    def restore(
        self, utterances: Sequence[Utterance], given: Sequence[Tip], interactions: Sequence[Interaction] = ()
    ) -> None:
        """Take over what was said, given and spent in the consultation's earlier life, without asking about it."""
        self._dossier.restore(utterances, [tip for tip in given if tip.kind is not TipKind.ANSWER])
        if self._model is not None:
            self._giving.budget.restore(interactions, self._options.generator.name)

    async def run(self) -> None:
        """Consider what is heard until closed or cancelled. A failing generator never ends it."""
        self._idle.clear()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._consider_at_once())
                tasks.create_task(self._questions.run())
                if self._model is not None:
                    tasks.create_task(self._model.run())
        finally:
            self._idle.set()

    async def close(self) -> None:
        """Let the last words be considered, briefly; then end `run` and close the generators. Idempotent."""
        self._at_once.close()
        self._questions.close()
        if self._model is not None:
            self._model.close()
        await self._idle.wait()
        for generator in (self._options.generator, self._options.fallback):
            if generator is not None:
                await self._contain_close(generator)

    async def _consider_at_once(self) -> None:
        while (batch := await self._at_once.take()) is not None:
            judged = self._model is not None and self._model.judges
            await self._serve(batch, leave=batch.modelled if judged else frozenset())

    async def _serve(self, batch: Batch, leave: frozenset[str] = frozenset()) -> None:
        """Give what the rules say about this batch; of the utterances in `leave`, which a model judges, the urgent."""
        local = self._local
        if local is None:
            return
        asked = await ask(local.name, lambda call: local.consider(self._dossier.dialogue(call)), Call(), LOCAL_S)
        if self._model is None:
            self._giving.say_state(asked.state, asked.detail)
        else:
            asked = replace(asked, tips=[tip for tip in asked.tips if _is_theirs(tip, batch, leave)])
        self._giving.finish(asked, batch)

    async def _contain_close(self, generator: TipGenerator) -> None:
        try:
            async with asyncio.timeout(LOCAL_S):
                await generator.aclose()
        except Exception as error:
            self.counters.failed += 1
            log.warning("insight.close_failed", generator=generator.name, error=type(error).__name__)


def _is_theirs(tip: Tip, batch: Batch, leave: frozenset[str]) -> bool:
    """Tell whether the rules may give `tip` beside a model: it is about this batch, and urgent or not the model's."""
    about = {cited.utterance_id for cited in tip.evidence} & set(batch.heard_s)
    return bool(about) and (tip.urgent or bool(about - leave))
