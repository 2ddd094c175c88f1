"""Utterances on their way to a service elsewhere, what is known of its health, and who reads them while it is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

import structlog

from ..model.errors import SpeechUnavailable
from .port import ServiceChanged
from .recogniser import Hypothesis, Request
from .scheduler import Priority
from .shared import SharedRecogniser

log = structlog.get_logger()

_LEFT_ALONE_S = (15.0, 30.0, 60.0, 120.0, 300.0)
"""How long a service is not asked again after its first, second, … failure in a row, while a local model stands in."""


class RemoteFailed(Exception):
    """The service gave nothing usable. Says why, with nothing of audio, answer or key."""

    def __init__(self, reason: str, *, status: int = 0, again: bool = False, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.again = again
        self.wait_s = wait_s


class Endpoint(Protocol):
    """What is asked, one utterance after the other."""

    host: str

    def glimpse(self, request: Request) -> Hypothesis | None:
        """Take the beginning of an utterance; return what is known of it already, if anything is."""

    def abandon(self) -> None:
        """The utterance that it has glimpsed will not be read by it."""

    def read(self, request: Request) -> Awaitable[Hypothesis]:
        """Take a whole utterance; return what was said, or raise RemoteFailed, when awaited."""

    async def aclose(self) -> None:
        """Close connections."""


class Health:
    """How the service is doing, for all who ask it. `on_state` is told of every request."""

    def __init__(self, on_state: Callable[[ServiceChanged], None], now_s: Callable[[], float]) -> None:
        self._on_state = on_state
        self._now_s = now_s
        self._not_before_s = 0.0
        self._failures = 0

    @property
    def away(self) -> bool:
        """Whether it is not to be asked now."""
        return self._now_s() < self._not_before_s

    def answered(self) -> None:
        """It gave a transcript."""
        self._failures = 0
        self._on_state(ServiceChanged("ok"))

    def failed(self, failure: RemoteFailed, *, stands_in: bool) -> None:
        """It gave none; `stands_in`: somebody else does."""
        wait_s = failure.wait_s or 0.0
        if stands_in:
            if not self.away:  # else it failed several requests at once
                self._failures += 1
            wait_s = max(wait_s, _LEFT_ALONE_S[min(self._failures, len(_LEFT_ALONE_S)) - 1])
            self._on_state(ServiceChanged("delayed", "fallback"))
        else:
            self._on_state(ServiceChanged("failing", "unreachable"))
        self._not_before_s = max(self._not_before_s, self._now_s() + wait_s)


class RemoteRequests:
    """Sends utterances to an endpoint, and to the local model that stands in while it is away."""

    def __init__(self, endpoint: Endpoint, health: Health, stand_in: SharedRecogniser | None) -> None:
        self._endpoint = endpoint
        self._health = health
        self._stand_in = stand_in
        self._reading: set[asyncio.Task[Hypothesis]] = set()
        self._shown_by_stand_in: set[str] = set()

    def submit(self, channel: str, request: Request, priority: Priority) -> asyncio.Future[Hypothesis]:
        """Ask for `request`; the future gives the hypothesis, an error, or is cancelled."""
        loop = asyncio.get_running_loop()
        if priority is not Priority.FINAL:
            return self._interim(channel, request, priority)
        answer: asyncio.Future[Hypothesis] | None = None
        # What the local model has shown as settled, only the local model can keep to.
        ours = bool(request.settled) and channel in self._shown_by_stand_in
        self._shown_by_stand_in.discard(channel)
        if not ours and not self._health.away:
            answer = asyncio.ensure_future(self._endpoint.read(request))
        else:
            self._endpoint.abandon()
        reading = loop.create_task(self._read(channel, request, answer), name="speech-remote")
        self._reading.add(reading)
        reading.add_done_callback(lambda done: self._forget(done, answer))
        return reading

    @property
    def can_speculate(self) -> bool:
        """Never: a service would be asked, and paid, twice."""
        return False

    def promote(self, channel: str) -> None:
        """There is nothing to promote."""

    def drop_interims(self, channel: str) -> None:
        """Cancel the interim of `channel` that waits; no final follows the ones before it."""
        self._endpoint.abandon()
        if self._stand_in is not None:
            self._stand_in.requests().drop_interims(channel)

    async def aclose(self) -> None:
        """Ask for nothing more."""
        reading = tuple(self._reading)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    def _interim(self, channel: str, request: Request, priority: Priority) -> asyncio.Future[Hypothesis]:
        given: asyncio.Future[Hypothesis] = asyncio.get_running_loop().create_future()
        if self._health.away and self._stand_in is not None:
            self._shown_by_stand_in.add(channel)
            return self._stand_in.requests().submit(channel, request, priority)
        glimpse = None
        if not self._health.away and channel not in self._shown_by_stand_in:
            glimpse = self._endpoint.glimpse(request)
        if glimpse is None:
            given.cancel()
        else:
            given.set_result(glimpse)
        return given

    async def _read(self, channel: str, request: Request, answer: asyncio.Future[Hypothesis] | None) -> Hypothesis:
        if answer is not None:
            try:
                hypothesis = await answer
            except RemoteFailed as failed:
                log.warning("speech.remote_failed", host=self._endpoint.host, status=failed.status, reason=str(failed))
                self._health.failed(failed, stands_in=self._stand_in is not None)
            else:
                self._health.answered()
                return hypothesis
        if self._stand_in is None:
            raise SpeechUnavailable(f"The speech service at {self._endpoint.host} does not answer at the moment.")
        hypothesis = await self._stand_in.requests().submit(channel, request, Priority.FINAL)
        return replace(hypothesis, provider=self._stand_in.name)

    def _forget(self, reading: asyncio.Task[Hypothesis], answer: asyncio.Future[Hypothesis] | None) -> None:
        self._reading.discard(reading)
        if answer is not None:
            answer.cancel()
        if not reading.cancelled():
            reading.exception()  # its stream may be gone, and nobody else looks
