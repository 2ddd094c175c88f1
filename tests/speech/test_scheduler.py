"""Finals before first interims before interims; only interims are ever dropped."""

import asyncio
import threading
from collections.abc import AsyncIterator

import numpy as np
import pytest

from server.speech.recogniser import Hypothesis, Request
from server.speech.scheduler import Priority, Scheduler


class SlowModel:
    """Reads one request at a time, when told to; a request is known by its prompt."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self._permits = threading.Semaphore(0)

    def let_read(self, count: int = 1) -> None:
        self._permits.release(count)

    def recognise(self, request: Request) -> Hypothesis:
        self._permits.acquire()
        self.read.append(request.prompt)
        if request.prompt == "broken":
            raise RuntimeError("the model broke")
        return Hypothesis(request.prompt)


def request(name: str) -> Request:
    return Request(np.zeros(16, np.float32), "pt", final=False, prompt=name)


@pytest.fixture
def model() -> SlowModel:
    return SlowModel()


@pytest.fixture
async def scheduler(model: SlowModel) -> AsyncIterator[Scheduler]:
    scheduler = Scheduler(model.recognise)
    yield scheduler
    model.let_read(100)
    await asyncio.to_thread(scheduler.close)


async def test_finals_overtake_first_interims_which_overtake_interims(scheduler: Scheduler, model: SlowModel) -> None:
    running = scheduler.submit("x", request("running"), Priority.INTERIM)
    waiting = [
        scheduler.submit("a", request("interim"), Priority.INTERIM),
        scheduler.submit("b", request("first interim"), Priority.FIRST_INTERIM),
        scheduler.submit("c", request("final 1"), Priority.FINAL),
        scheduler.submit("c", request("final 2"), Priority.FINAL),
    ]
    model.let_read(5)
    await asyncio.gather(running, *waiting)
    assert model.read == ["running", "final 1", "final 2", "first interim", "interim"]


async def test_only_the_newest_interim_of_a_channel_waits(scheduler: Scheduler, model: SlowModel) -> None:
    running = scheduler.submit("x", request("running"), Priority.FINAL)
    old = scheduler.submit("a", request("old"), Priority.INTERIM)
    new = scheduler.submit("a", request("new"), Priority.INTERIM)
    model.let_read(2)
    await asyncio.gather(running, new)
    assert old.cancelled()
    assert scheduler.interims_dropped == 1


async def test_a_final_makes_the_waiting_interim_of_its_channel_needless(
    scheduler: Scheduler, model: SlowModel
) -> None:
    running = scheduler.submit("x", request("running"), Priority.FINAL)
    interim = scheduler.submit("a", request("interim"), Priority.FIRST_INTERIM)
    other = scheduler.submit("b", request("other"), Priority.INTERIM)
    final = scheduler.submit("a", request("final"), Priority.FINAL)
    model.let_read(3)
    await asyncio.gather(running, final, other)
    assert interim.cancelled()


async def test_no_final_is_dropped_however_many_wait(scheduler: Scheduler, model: SlowModel) -> None:
    finals = [scheduler.submit("a", request(str(number)), Priority.FINAL) for number in range(200)]
    model.let_read(200)
    assert [hypothesis.text for hypothesis in await asyncio.gather(*finals)] == [str(number) for number in range(200)]


async def test_a_model_error_reaches_only_its_request(scheduler: Scheduler, model: SlowModel) -> None:
    broken = scheduler.submit("a", request("broken"), Priority.FINAL)
    fine = scheduler.submit("a", request("fine"), Priority.FINAL)
    model.let_read(2)
    with pytest.raises(RuntimeError, match="the model broke"):
        await broken
    assert (await fine).text == "fine"


async def test_after_closing_nothing_is_read(scheduler: Scheduler, model: SlowModel) -> None:
    model.let_read(1)
    await asyncio.to_thread(scheduler.close)
    assert scheduler.submit("a", request("late"), Priority.FINAL).cancelled()
    assert model.read == []


async def test_a_speculative_final_goes_before_interims_and_as_a_final_once_promoted(
    scheduler: Scheduler, model: SlowModel
) -> None:
    running = scheduler.submit("x", request("running"), Priority.INTERIM)
    waiting = [
        scheduler.submit("a", request("first interim"), Priority.FIRST_INTERIM),
        scheduler.submit("b", request("guess"), Priority.SPECULATIVE),
        scheduler.submit("c", request("promoted"), Priority.SPECULATIVE),
        scheduler.submit("d", request("final"), Priority.FINAL),
    ]
    scheduler.promote("c")
    scheduler.promote("nobody")
    assert not scheduler.can_speculate
    model.let_read(5)
    await asyncio.gather(running, *waiting)
    assert model.read == ["running", "final", "promoted", "guess", "first interim"]
