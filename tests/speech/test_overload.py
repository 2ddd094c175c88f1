"""A model that is slower than the speech it hears: captions say so and come late, and nothing said is lost."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from server.speech.port import Final, Gap, Interim, SpeechEvent, StateChanged, StreamOptions
from server.speech.providers.scripted import LoudnessActivity, ScriptedRecogniser
from server.speech.recogniser import Hypothesis, Request
from server.speech.scheduler import Scheduler
from server.speech.transcriber import Transcriber
from tests.speech.sound import silence, tone
from tests.virtual import run_virtually

SPEAKS_S = 3.0
PAUSES_S = 1.0
FINAL_TAKES_S = 2.5  # of two channels: 5 s of work in 4 s of talk
INTERIM_TAKES_S = 0.9
TURNS = 15


class TimedThread:
    """Stands for the scheduler's thread: what it is given is done after the virtual time that reading takes."""

    pace = 1.0

    def __init__(self, **_: object) -> None:
        """It needs nothing."""

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if not arguments:  # the scheduler's own trial
            future.set_result(work())
            return future
        [requests] = arguments
        takes_s = self.pace * sum(FINAL_TAKES_S if request.final else INTERIM_TAKES_S for request in requests)
        asyncio.get_running_loop().call_later(takes_s, lambda: future.set_result(work(requests)))
        return future

    def shutdown(self, **_: object) -> None:
        """Nothing runs by itself."""


class Noting(ScriptedRecogniser):
    """Notes what it reads, and when."""

    def __init__(self) -> None:
        self.read: list[tuple[float, bool]] = []

    def recognise(self, request: Request) -> Hypothesis:
        self.read.append((asyncio.get_running_loop().time(), request.final))
        return super().recognise(request)


@pytest.fixture(autouse=True)
def virtual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.speech.scheduler.ThreadPoolExecutor", TimedThread)
    clock = SimpleNamespace(monotonic=lambda: asyncio.get_running_loop().time())
    monkeypatch.setattr("server.speech.transcriber.time", clock, raising=False)


class Call:
    """Two people who talk at once, heard by one slow model."""

    def __init__(self) -> None:
        self.model = Noting()
        self.scheduler = Scheduler(self.model.recognise)
        self.streams = [Transcriber(StreamOptions(), self.scheduler, LoudnessActivity()) for _ in range(2)]
        self.events: list[list[tuple[float, SpeechEvent]]] = [[], []]
        self.ended_s = 0.0

    async def run(self) -> None:
        listeners = [asyncio.create_task(self._listen(number)) for number in range(2)]
        await asyncio.gather(*(self._talk(stream) for stream in self.streams))
        self.ended_s = asyncio.get_running_loop().time()
        await asyncio.gather(*listeners)
        for stream in self.streams:
            await stream.aclose()
        self.scheduler.close()

    async def _talk(self, stream: Transcriber) -> None:
        samples = np.concatenate([tone(SPEAKS_S), silence(PAUSES_S)] * TURNS)
        for first in range(0, len(samples), 1600):
            await asyncio.sleep(0.1)
            stream.push_pcm(samples[first : first + 1600], first / 16_000)
        stream.end_input()

    async def _listen(self, number: int) -> None:
        async for event in self.streams[number]:
            self.events[number].append((asyncio.get_running_loop().time(), event))

    def of(self, kind: type, number: int) -> list[Any]:
        return [event for _, event in self.events[number] if isinstance(event, kind)]


async def listen() -> Call:
    call = Call()
    await call.run()
    return call


def test_an_overloaded_model_delays_captions_and_loses_no_final() -> None:
    call = run_virtually(listen())
    for number in range(2):
        finals = call.of(Final, number)
        assert [final.text.split()[0] for final in finals] == ["estou"] * TURNS
        assert [round(final.start_s / (SPEAKS_S + PAUSES_S)) for final in finals] == list(range(TURNS))
        assert not call.of(Gap, number)
        assert [state.state for state in call.of(StateChanged, number)] == ["delayed", "ok"]
    last_s = max(at_s for events in call.events for at_s, event in events if isinstance(event, Final))
    assert last_s > call.ended_s + 10, "the model kept up: this is no overload"
    assert len([at_s for at_s, final in call.model.read if final]) == 2 * TURNS


def test_interims_become_rarer_the_slower_the_model_is(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = run_virtually(listen())
    monkeypatch.setattr(TimedThread, "pace", 0.1)
    quick = run_virtually(listen())
    asked_slow, asked_quick = (sum(not final for _, final in call.model.read) for call in (slow, quick))
    assert 0 < asked_slow < asked_quick / 4
    assert not any(call_events for call_events in (quick.of(StateChanged, 0), quick.of(StateChanged, 1)))
    shown_slow, shown_quick = (len(call.of(Interim, 0)) + len(call.of(Interim, 1)) for call in (slow, quick))
    assert 0 < shown_slow < shown_quick
