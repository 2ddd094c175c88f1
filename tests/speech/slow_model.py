"""People who talk, heard by a model of a given pace in virtual time: the real streams and the real scheduler."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from server.speech.capacity import Pace
from server.speech.port import SpeechEvent, StreamOptions
from server.speech.providers.scripted import LoudnessActivity, ScriptedRecogniser
from server.speech.recogniser import Hypothesis, Request
from server.speech.scheduler import Scheduler
from server.speech.transcriber import Transcriber
from tests.speech.sound import silence, tone
from tests.virtual import run_virtually

PORTION_S = 0.1


class TimedThread:
    """Stands for the scheduler's thread: what it is given is done after the virtual time that reading takes."""

    pace: Pace

    def __init__(self, **_: object) -> None:
        """It needs nothing."""

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if not arguments:  # the scheduler's own trial
            future.set_result(work())
            return future
        [requests] = arguments
        takes_s = sum(self.pace.final_s if request.final else self.pace.interim_s for request in requests)
        asyncio.get_running_loop().call_later(takes_s, lambda: future.set_result(work(requests)))
        return future

    def shutdown(self, **_: object) -> None:
        """Nothing runs by itself."""


class Noting(ScriptedRecogniser):
    """Notes what it reads: finals and interims."""

    def __init__(self) -> None:
        self.finals = 0
        self.interims = 0

    def recognise(self, request: Request) -> Hypothesis:
        self.finals += request.final
        self.interims += not request.final
        return super().recognise(request)


class Talk:
    """Several people who talk at once; `turns` are, for each, seconds of voice and of pause in turns."""

    def __init__(self, turns: Sequence[Sequence[tuple[float, float]]]) -> None:
        self.model = Noting()
        self.events: list[list[tuple[float, SpeechEvent]]] = [[] for _ in turns]
        self.ended_s = 0.0
        self._turns = turns

    async def run(self) -> None:
        scheduler = Scheduler(self.model.recognise)
        streams = [Transcriber(StreamOptions(), scheduler, LoudnessActivity()) for _ in self._turns]
        async with asyncio.TaskGroup() as tasks:
            for stream, turns, events in zip(streams, self._turns, self.events, strict=True):
                tasks.create_task(self._talk(stream, turns))
                tasks.create_task(self._listen(stream, events))
        for stream in streams:
            await stream.aclose()
        scheduler.close()

    async def _talk(self, stream: Transcriber, turns: Sequence[tuple[float, float]]) -> None:
        samples = np.concatenate([part for voice_s, pause_s in turns for part in (tone(voice_s), silence(pause_s))])
        portion = round(PORTION_S * 16_000)
        for first in range(0, len(samples), portion):
            await asyncio.sleep(PORTION_S)
            stream.push_pcm(samples[first : first + portion], first / 16_000)
        stream.end_input()
        self.ended_s = asyncio.get_running_loop().time()

    async def _listen(self, stream: Transcriber, events: list[tuple[float, SpeechEvent]]) -> None:
        async for event in stream:
            events.append((asyncio.get_running_loop().time(), event))

    def of(self, kind: type, number: int) -> list[Any]:
        """Return the events of that kind that one of the people caused."""
        return [event for _, event in self.events[number] if isinstance(event, kind)]


def listen(monkeypatch: pytest.MonkeyPatch, pace: Pace, turns: Sequence[Sequence[tuple[float, float]]]) -> Talk:
    """Have a model of that pace hear people talk; return what came of it."""
    monkeypatch.setattr("server.speech.scheduler.ThreadPoolExecutor", TimedThread)
    clock = SimpleNamespace(monotonic=lambda: asyncio.get_running_loop().time())
    monkeypatch.setattr("server.speech.transcriber.time", clock, raising=False)
    monkeypatch.setattr(TimedThread, "pace", pace, raising=False)
    talk = Talk(turns)
    run_virtually(talk.run())
    return talk
