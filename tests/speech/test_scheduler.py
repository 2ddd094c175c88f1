"""Finals before first interims before interims; only interims are ever dropped; alike ones may go together."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from server.speech.batches import LONGEST_S, BatchSize
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
    assert scheduler.figures.dropped == 1


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


# Together


class BatchModel(SlowModel):
    """Reads requests together whose samples are of equal number; notes every batch."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.batches: list[list[str]] = []

    def kind(self, request: Request) -> int:
        return len(request.samples)

    def recognise_batch(self, requests: Sequence[Request]) -> list[Hypothesis]:
        self._permits.acquire()
        self.batches.append([request.prompt for request in requests])
        if any(request.prompt == "broken" for request in requests):
            raise RuntimeError("the batch broke")
        return [Hypothesis(request.prompt) for request in requests]


def final(name: str, samples: int = 16) -> Request:
    return Request(np.zeros(samples, np.float32), "pt", final=True, prompt=name)


@pytest.fixture
async def together() -> AsyncIterator[tuple[Scheduler, BatchModel]]:
    model = BatchModel(3)
    scheduler = Scheduler(model.recognise, model)
    yield scheduler, model
    model.let_read(100)
    await asyncio.to_thread(scheduler.close)


async def test_what_waits_and_is_alike_is_read_together_most_urgent_first(
    together: tuple[Scheduler, BatchModel],
) -> None:
    scheduler, model = together
    running = scheduler.submit("x", request("running"), Priority.INTERIM)
    waiting = [
        scheduler.submit("a", final("guess"), Priority.SPECULATIVE),
        scheduler.submit("b", final("longer", 32), Priority.FINAL),
        *(scheduler.submit(name, final(name), Priority.FINAL) for name in "cdef"),
    ]
    model.let_read(10)
    assert [one.text for one in await asyncio.gather(running, *waiting)] == [
        "running",
        "guess",
        "longer",
        "c",
        "d",
        "e",
        "f",
    ]
    assert model.read == ["running", "longer"]
    assert model.batches == [["c", "d", "e"], ["f", "guess"]]


async def test_a_request_that_finds_the_model_idle_waits_for_no_other(
    together: tuple[Scheduler, BatchModel],
) -> None:
    scheduler, model = together
    results = [scheduler.submit(name, final(name), Priority.FINAL) for name in "abc"]
    model.let_read(10)
    await asyncio.gather(*results)
    assert model.read == ["a"]
    assert model.batches == [["b", "c"]]


async def test_no_final_overtakes_an_earlier_one_of_its_channel(together: tuple[Scheduler, BatchModel]) -> None:
    scheduler, model = together
    order: list[str] = []
    running = scheduler.submit("x", request("running"), Priority.INTERIM)
    asked = [("a", final("a1")), ("b", final("b1", 32)), ("b", final("b2")), ("c", final("c1")), ("b", final("b3", 32))]
    results = []
    for channel, one in asked:
        results.append(scheduler.submit(channel, one, Priority.FINAL))
        results[-1].add_done_callback(lambda done: order.append(done.result().text))
    model.let_read(10)
    await asyncio.gather(running, *results)
    assert model.batches == [["a1", "c1"]]
    assert order == ["a1", "c1", "b1", "b2", "b3"]


async def test_one_broken_request_of_a_batch_takes_no_other_down(together: tuple[Scheduler, BatchModel]) -> None:
    scheduler, model = together
    running = scheduler.submit("x", request("running"), Priority.INTERIM)
    fine, broken, also_fine = (
        scheduler.submit(name, final(name), Priority.FINAL) for name in ("fine", "broken", "also fine")
    )
    model.let_read(10)
    assert (await running).text == "running"
    assert (await fine).text == "fine"
    assert (await also_fine).text == "also fine"
    with pytest.raises(RuntimeError, match="the model broke"):
        await broken
    assert scheduler.figures.broken_batches == 1


async def test_a_batch_that_forgets_a_request_is_read_again_one_by_one(
    together: tuple[Scheduler, BatchModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler, model = together
    monkeypatch.setattr(model, "recognise_batch", lambda requests: [Hypothesis("only one")])
    running = scheduler.submit("x", request("running"), Priority.INTERIM)
    results = [scheduler.submit(name, final(name), Priority.FINAL) for name in "ab"]
    model.let_read(10)
    assert [one.text for one in await asyncio.gather(running, *results)] == ["running", "a", "b"]


async def test_the_figures_count_what_waited_and_what_was_read_together(
    together: tuple[Scheduler, BatchModel],
) -> None:
    scheduler, model = together
    running = scheduler.submit("x", request("running"), Priority.INTERIM)
    results = [scheduler.submit(name, final(name), Priority.FINAL) for name in "abc"]
    model.let_read(10)
    await asyncio.gather(running, *results)
    assert scheduler.figures.requests == 4
    assert scheduler.figures.batches[:4] == [1, 0, 1, 0]
    assert sum(scheduler.figures.waits) == 4


def test_batches_shrink_when_they_take_too_long_and_grow_again_when_they_are_quick() -> None:
    size = BatchSize(16)
    size.learn(16, 2 * LONGEST_S, broken=False)
    assert size.now == 8
    size.learn(8, 0.01, broken=True)
    assert size.now == 4
    size.learn(3, 0.01, broken=False)
    assert size.now == 4
    size.learn(4, 0.9 * LONGEST_S, broken=False)
    assert size.now == 4
    for count in (4, 8, 16):
        size.learn(count, 0.01, broken=False)
    assert size.now == 16


def test_a_single_request_however_slow_does_not_end_batches() -> None:
    size = BatchSize(8)
    size.learn(1, 10 * LONGEST_S, broken=False)
    assert size.now == 8
