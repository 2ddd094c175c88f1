"""The model's side of an advisor: asked once at a time, after a patient's turn with news, within the budget."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ..model.insight import Tip
from .asking import Asked, ask
from .call import Call
from .giving import Giving
from .port import TipGenerator
from .waiting import Batch, Waiting

SUPERSEDED_WITHIN = 1 / 3
"""Share of the time-out within which newer words replace a request; later it may finish, or it never would."""


class ModelReader:
    """Asks `model` about what it is handed; where it cannot answer, `serve_locally` is left to."""

    def __init__(
        self, model: TipGenerator, giving: Giving, serve_locally: Callable[[Batch], Awaitable[None]], last_wait_s: float
    ) -> None:
        self._model = model
        self._giving = giving
        self._serve_locally = serve_locally
        self._last_wait_s = last_wait_s
        self._waiting = Waiting()
        self._asking: tuple[Batch, asyncio.Task[Asked]] | None = None

    @property
    def judges(self) -> bool:
        """Whether what it is handed will be judged by it, as far as can be known."""
        return self._giving.state == "ok" and not self._giving.budget.spent

    def hand(self, utterance_id: str, now_s: float) -> None:
        """Let an utterance be considered; a request just begun is superseded."""
        self._waiting.add(utterance_id, now_s, modelled=True)
        if self._asking is not None:
            batch, request = self._asking
            if now_s - batch.since_s < self._giving.options.timeout_s * SUPERSEDED_WITHIN:
                request.cancel()

    def close(self) -> None:
        """Let `run` end: nobody waits for a model any more."""
        self._waiting.close()
        if self._asking is not None:
            self._asking[1].cancel()

    async def run(self) -> None:
        """Consider what is handed until closed."""
        while (batch := await self._waiting.take()) is not None:
            if self._waiting.closing and self._giving.options.fallback is not None:
                await self._serve_locally(batch)
            elif self._giving.budget.spent:
                self._giving.say_spent()
                await self._serve_locally(batch)
            else:
                await self._consider(batch)

    async def _consider(self, batch: Batch) -> None:
        giving = self._giving
        asked = await self._ask(batch)
        if asked is None:
            self._waiting.put_back(batch)
            return
        if asked.over_budget:
            giving.budget.refuse()
        giving.say_state(asked.state, asked.detail)
        giving.finish(asked, batch)
        if giving.budget.spent:
            giving.say_spent()
        if asked.state != "ok" or asked.over_budget:
            await self._serve_locally(batch)

    async def _ask(self, batch: Batch) -> Asked | None:
        """Ask the model. Return None if newer words, or the end, came first."""
        giving = self._giving
        call = giving.call()
        timeout_s = self._last_wait_s if self._waiting.closing else giving.options.timeout_s
        giving.counters.asked += 1
        giving.budget.begin()
        request = asyncio.create_task(ask(self._model.name, lambda call: self._work(call, batch), call, timeout_s))
        self._asking = (batch, request)
        try:
            await asyncio.wait({request})
        finally:
            self._asking = None
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
        if request.cancelled():
            giving.counters.superseded += 1
            giving.finish(Asked(call, self._model.name, "superseded"), batch)
            return None
        return request.result()

    async def _work(self, call: Call, batch: Batch) -> Sequence[Tip]:
        giving = self._giving
        return await self._model.consider(
            giving.dossier.dialogue(call), lambda tip: giving.give_early(call, tip, batch)
        )
