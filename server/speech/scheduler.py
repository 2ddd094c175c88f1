"""One queue into the model: finals, then speculative finals, first interims, interims."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from .recogniser import Hypothesis, Request


class Priority(IntEnum):
    """What goes first."""

    FINAL = 0
    SPECULATIVE = 1
    FIRST_INTERIM = 2
    INTERIM = 3


class Requests(Protocol):
    """Where a stream's requests go: a model of our own, or a service elsewhere."""

    def submit(self, channel: str, request: Request, priority: Priority) -> asyncio.Future[Hypothesis]:
        """Queue `request`; the future gives the hypothesis, an error, or is cancelled."""

    @property
    def can_speculate(self) -> bool:
        """Whether it suits now to ask for the final of an utterance that may not have ended."""

    def promote(self, channel: str) -> None:
        """Make a speculative final of `channel` that still waits a final: its utterance has ended."""

    def drop_interims(self, channel: str) -> None:
        """Cancel the interim of `channel` that waits."""


@dataclass(slots=True)
class _Job:
    channel: str
    request: Request
    result: asyncio.Future[Hypothesis] = field(repr=False)


class Scheduler:
    """Owns the model's one worker thread. Finals are never dropped and keep their order.

    Of the others only the newest of each channel waits; an older one, and every one that a final of the
    same channel overtakes, is cancelled. Call it from one event loop.
    """

    def __init__(self, recognise: Callable[[Request], Hypothesis]) -> None:
        self._recognise = recognise
        self._finals: deque[_Job] = deque()
        self._interims: dict[Priority, dict[str, _Job]] = {kind: {} for kind in Priority if kind is not Priority.FINAL}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="speech-model")
        self._thread.submit(int).result()  # the thread lives as long as the scheduler, not from the first request
        self._busy = False
        self._closed = False
        self.interims_dropped = 0

    @property
    def can_speculate(self) -> bool:
        """Whether no final waits for the model."""
        return not self._finals

    def submit(self, channel: str, request: Request, priority: Priority) -> asyncio.Future[Hypothesis]:
        """Queue `request`; the future gives the hypothesis, the model's error, or is cancelled."""
        job = _Job(channel, request, asyncio.get_running_loop().create_future())
        if self._closed:
            job.result.cancel()
            return job.result
        self.drop_interims(channel)
        if priority is Priority.FINAL:
            self._finals.append(job)
        else:
            self._interims[priority][channel] = job
        self._run_next()
        return job.result

    def promote(self, channel: str) -> None:
        """Make a speculative final of `channel` that still waits a final: its utterance has ended."""
        job = self._interims[Priority.SPECULATIVE].pop(channel, None)
        if job is not None:
            self._finals.append(job)

    def drop_interims(self, channel: str) -> None:
        """Cancel the interim or speculative final of `channel` that waits."""
        for waiting in self._interims.values():
            job = waiting.pop(channel, None)
            if job is not None:
                job.result.cancel()
                self.interims_dropped += 1

    def close(self) -> None:
        """Cancel what waits and end the worker thread; blocks until the running request is read."""
        self._closed = True
        for channel in {channel for waiting in self._interims.values() for channel in waiting}:
            self.drop_interims(channel)
        while self._finals:
            self._finals.popleft().result.cancel()
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _take(self) -> _Job | None:
        if self._finals:
            return self._finals.popleft()
        for waiting in self._interims.values():
            if waiting:
                return waiting.pop(next(iter(waiting)))
        return None

    def _run_next(self) -> None:
        if self._busy or self._closed:
            return
        job = self._take()
        if job is None:
            return
        self._busy = True
        loop = asyncio.get_running_loop()
        running = self._thread.submit(self._recognise, job.request)
        running.add_done_callback(lambda done: loop.call_soon_threadsafe(self._finish, job, done))

    def _finish(self, job: _Job, done: Future[Hypothesis]) -> None:
        self._busy = False
        if not job.result.done():
            error = None if done.cancelled() else done.exception()
            if done.cancelled():
                job.result.cancel()
            elif error is not None:
                job.result.set_exception(error)
            else:
                job.result.set_result(done.result())
        self._run_next()
