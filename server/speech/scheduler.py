"""One queue into the model: finals, then speculative finals, first interims, interims; alike ones together."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from enum import IntEnum
from threading import Barrier
from typing import Protocol

from .batches import Batches, BatchSize, Outcome, read_each
from .model_figures import ModelFigures
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
    since_s: float
    result: asyncio.Future[Hypothesis] = field(repr=False)


class Scheduler:
    """Owns the model's threads, `readers` of them. Finals are never dropped and begin in order within a channel.

    Of the others only the newest of each channel waits; an older one, and every one that a final of the
    same channel overtakes, is cancelled. With `batches`, what waits anyway and is alike is read together; nothing
    ever waits for company. No interim of a channel is read beside another of it. Call it from one event loop.
    """

    def __init__(
        self, recognise: Callable[[Request], Hypothesis], batches: Batches | None = None, readers: int = 1
    ) -> None:
        self._recognise = recognise
        self._batches = batches
        self._size = BatchSize(1 if batches is None else batches.most)
        self._finals: deque[_Job] = deque()
        self._interims: dict[Priority, dict[str, _Job]] = {kind: {} for kind in Priority if kind is not Priority.FINAL}
        self._threads = ThreadPoolExecutor(max_workers=readers, thread_name_prefix="speech-model")
        everybody = Barrier(readers)  # they live as long as the scheduler, not from the first request
        wait({self._threads.submit(everybody.wait) for _ in range(readers)})
        self._free = readers
        self._interims_read: set[str] = set()
        self._closed = False
        self.figures = ModelFigures()

    @property
    def can_speculate(self) -> bool:
        """Whether no final waits for the model."""
        return not self._finals

    def submit(self, channel: str, request: Request, priority: Priority) -> asyncio.Future[Hypothesis]:
        """Queue `request`; the future gives the hypothesis, the model's error, or is cancelled."""
        loop = asyncio.get_running_loop()
        job = _Job(channel, request, loop.time(), loop.create_future())
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
                self.figures.dropped += 1

    def close(self) -> None:
        """Cancel what waits and end the threads; blocks until what they read is read."""
        self._closed = True
        for channel in {channel for waiting in self._interims.values() for channel in waiting}:
            self.drop_interims(channel)
        while self._finals:
            self._finals.popleft().result.cancel()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _take(self) -> list[_Job]:
        """Remove what goes next from the queue, and what can be read with it."""
        first = next(self._waiting(), None)
        if first is None:
            return []
        taken = [first]
        if self._batches is not None and self._size.now > 1:
            alike = self._batches.kind(first.request)
            passed_over: set[str] = set()  # channels of which an earlier final stays
            for job in self._waiting():
                if job is first or job.channel in passed_over:
                    continue
                if self._batches.kind(job.request) == alike:
                    taken.append(job)
                    if len(taken) == self._size.now:
                        break
                elif job.request.final:
                    passed_over.add(job.channel)
        for job in taken:
            self._remove(job)
        return taken

    def _waiting(self) -> Iterator[_Job]:
        yield from self._finals
        for priority, waiting in self._interims.items():
            for job in waiting.values():
                if priority is Priority.SPECULATIVE or job.channel not in self._interims_read:
                    yield job

    def _remove(self, job: _Job) -> None:
        for waiting in self._interims.values():
            if waiting.get(job.channel) is job:
                del waiting[job.channel]
                return
        self._finals.remove(job)

    def _run_next(self) -> None:
        while self._free and not self._closed and (jobs := self._take()):
            self._begin(jobs)

    def _begin(self, jobs: list[_Job]) -> None:
        self._free -= 1
        self._interims_read |= {job.channel for job in jobs if not job.request.final}
        loop = asyncio.get_running_loop()
        self.figures.note_batch([loop.time() - job.since_s for job in jobs])
        running = self._threads.submit(self._read, [job.request for job in jobs])
        running.add_done_callback(lambda done: loop.call_soon_threadsafe(self._finish, jobs, done))

    def _read(self, requests: list[Request]) -> list[Outcome]:
        began_s = time.monotonic()
        outcomes, broken = read_each(requests, self._recognise, self._batches)
        self.figures.broken_batches += broken
        self._size.learn(len(requests), time.monotonic() - began_s, broken=broken)
        return outcomes

    def _finish(self, jobs: list[_Job], done: Future[list[Outcome]]) -> None:
        self._free += 1
        self._interims_read -= {job.channel for job in jobs if not job.request.final}
        outcomes: list[Outcome] = [None] * len(jobs) if done.cancelled() else done.result()
        for job, outcome in zip(jobs, outcomes, strict=True):
            if job.result.done():
                continue
            if outcome is None:
                job.result.cancel()
            elif isinstance(outcome, Hypothesis):
                job.result.set_result(outcome)
            else:
                job.result.set_exception(outcome)
        self._run_next()
