"""What the clinician asks about the consultation: answered one after another, by a model or with quotes alone."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

from ..model.errors import TooFrequent
from ..model.insight import Tip
from . import quoted_answer
from .asking import Asked, ask
from .call import Call
from .giving import Giving
from .port import Dialogue, TipGenerator
from .reasoning import NAME as RULES
from .waiting import Batch

MOST_WAITING = 3


class Answers(Protocol):
    """A generator that can answer."""

    async def answer(self, dialogue: Dialogue, question: str) -> Tip | None:
        """Return the answer, or None if the dialogue says nothing of it.

        Raises:
            ChatModelUnavailable: If it depends on a model that does not answer.
        """


@dataclass(frozen=True, slots=True)
class Question:
    """Something the clinician typed."""

    id: str
    text: str
    asked_s: float


class Questions:
    """One consultation's. Every question gets an answer, if only that nothing was said of it."""

    def __init__(self, model: TipGenerator | None, giving: Giving) -> None:
        self._model = model if hasattr(model, "answer") else None
        self._giving = giving
        self._waiting: deque[Question] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._asking: asyncio.Task[Asked] | None = None

    def add(self, question: Question) -> None:
        """Let it be answered.

        Raises:
            TooFrequent: If others wait already.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise TooFrequent("Earlier questions are still being answered; wait a moment.")
        self._waiting.append(question)
        self._wake.set()

    def close(self) -> None:
        """Let `run` end: nobody waits for a model any more."""
        self._closing = True
        self._wake.set()
        if self._asking is not None:
            self._asking.cancel()

    async def run(self) -> None:
        """Answer what is asked until closed."""
        while True:
            while self._waiting:
                await self._answer(self._waiting.popleft())
            if self._closing:
                return
            self._wake.clear()
            await self._wake.wait()

    async def _answer(self, question: Question) -> None:
        giving = self._giving
        batch = Batch({question.id: question.asked_s})
        asked = None if self._model is None or self._closing else await self._ask_model(question, batch)
        if asked is None or not asked.tips:
            asked = await ask(RULES, lambda call: self._quote(question, call), Call(), giving.options.timeout_s)
        named = [tip.model_copy(update={"question_id": question.id, "question": question.text}) for tip in asked.tips]
        giving.finish(replace(asked, tips=named), batch, "answer")

    async def _ask_model(self, question: Question, batch: Batch) -> Asked | None:
        """Return what the model answered: the tip, or that nothing was said of it; None if it cannot say."""
        giving, model = self._giving, self._model
        if model is None or giving.budget.spent:
            giving.say_spent()
            return None
        call = giving.call()
        giving.budget.begin()

        async def work(call: Call) -> Sequence[Tip]:
            dialogue = giving.dossier.dialogue(call)
            tip = await cast(Answers, model).answer(dialogue, question.text)
            # What a model claims and cannot prove is left to the quotes.
            return [tip] if tip else [] if call.discarded else [quoted_answer.nothing_said(dialogue)]

        self._asking = asyncio.create_task(ask(model.name, work, call, giving.options.timeout_s))
        try:
            await asyncio.wait({self._asking})
            asked = Asked(call, model.name, "superseded") if self._asking.cancelled() else self._asking.result()
        finally:
            self._asking.cancel()
            self._asking = None
        if asked.over_budget:
            giving.budget.refuse()
            giving.say_spent()
        if asked.outcome != "superseded":
            giving.say_state(asked.state, asked.detail)
        if not asked.tips:
            giving.finish(asked, batch, "answer")
        return asked

    async def _quote(self, question: Question, call: Call) -> Sequence[Tip]:
        return [quoted_answer.answer(self._giving.dossier.dialogue(call), question.text)]
