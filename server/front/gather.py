"""What only all workers together can answer: whether the server is healthy, and its metrics."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from ..model.errors import Unavailable
from ..web.exchange import json_response
from ..web.metrics import CONTENT_TYPE, Metrics
from ..web.resources import Health
from .carried import onward
from .pass_on import ORIGIN
from .totals import Told, Totals
from .workers import WorkerProcess, Workers

ANSWER_WITHIN_S = 3.0


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the worker's process number `life` said, with the headers that matter."""

    life: int
    status: int
    headers: dict[str, str]
    text: str


class Gathering:
    """Asks every worker and makes one answer of theirs; `metrics` are the front's own."""

    def __init__(self, workers: Workers, metrics: Metrics) -> None:
        self._workers = workers
        self._own = metrics
        self._totals = Totals()
        self._up = metrics.gauge("escuta_worker_up", "1 while the worker answers, by number.")
        self._starts = metrics.gauge("escuta_worker_starts", "Processes started for the worker, by number.")

    async def health(self, request: web.Request) -> web.Response:
        """Tell that every worker answers.

        Raises:
            Unavailable: If one does not.
        """
        answers = await self._ask(request, "/healthz")
        for worker, answer in zip(self._workers.each, answers, strict=True):
            if answer is None or answer.status != 200:
                raise Unavailable(f"Worker {worker.number} of {self._workers.count} does not answer; see the log.")
        if not answers:
            raise Unavailable("The server is starting; try again in a moment.")
        return json_response(Health())

    async def metrics(self, request: web.Request) -> web.Response:
        """Read the metrics of all workers, added up, to whom each of them tells its own."""
        answers = await self._ask(request, "/metrics")
        told: list[Told] = []
        for worker, answer in zip(self._workers.each, answers, strict=True):
            self._up.set(float(answer is not None), worker=str(worker.number))
            self._starts.set(worker.life, worker=str(worker.number))
            if answer is None:
                continue
            if answer.status != 200:
                return web.Response(status=answer.status, headers=answer.headers, text=answer.text)
            told.append(Told(worker.number, answer.life, answer.text))
        if not told:
            raise Unavailable("No worker answers; see the log.")
        text = self._totals.exposition(told) + self._own.exposition()
        return web.Response(text=text, headers={"Content-Type": CONTENT_TYPE})

    async def _ask(self, request: web.Request, path: str) -> list[_Answer | None]:
        return await asyncio.gather(*(self._answer(worker, request, path) for worker in self._workers.each))

    async def _answer(self, worker: WorkerProcess, request: web.Request, path: str) -> _Answer | None:
        """Return what a worker says, None if it does not in time."""
        if not worker.up:
            return None
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                session = await worker.session()
                life = worker.life  # by the time it has answered there may be another
                async with session.get(ORIGIN + path, headers=onward(request)) as answer:
                    kept = ("Content-Type", "WWW-Authenticate", "Retry-After")
                    headers = {name: answer.headers[name] for name in kept if name in answer.headers}
                    return _Answer(life, answer.status, headers, await answer.text())
        except (aiohttp.ClientError, ConnectionError, TimeoutError, Unavailable):
            return None
