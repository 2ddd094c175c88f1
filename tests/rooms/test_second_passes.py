"""Recordings are read again after the call, one at a time, and never beside one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.model.consultation import Agent, Consultation, ConsultationStatus, Role
from server.model.errors import DatabaseUnavailable, SpeechUnavailable
from server.model.recording_events import RecordingFile
from server.model.transcript import Utterance
from server.rooms import second_passes
from server.rooms.second_passes import SecondPasses
from server.settings import Settings
from server.speech.second_pass import SecondPassOrder

from .fakes import A_FILE, AGENT, a_consultation

SAID = (Utterance(id="patient-1", role=Role.PATIENT, start_s=1.0, end_s=2.0, text="dói aqui", language="pt"),)
WAV = A_FILE.model_copy(update={"name": "patient.wav", "format": "wav", "start_s": 0.5})
MIXED = WAV.model_copy(update={"name": "mixed.wav", "role": None})


class FakeArchive:
    """Jobs in a list; is its own `second_passes`."""

    def __init__(self, *waiting: str) -> None:
        self.jobs = list(waiting)
        self.kept: dict[str, Sequence[Utterance]] = {}
        self.failed: list[str] = []
        self.live: list[Consultation] = []
        self.refusals = 0
        self.settled = asyncio.Event()

    @property
    def second_passes(self) -> FakeArchive:
        return self

    async def waiting(self) -> list[str]:
        return list(self.jobs)

    async def note_failure(self, consultation_id: str) -> None:
        self.failed.append(consultation_id)
        self.jobs.remove(consultation_id)
        self.settled.set()

    async def keep(self, consultation_id: str, utterances: Sequence[Utterance]) -> bool:
        if self.refusals:
            self.refusals -= 1
            raise DatabaseUnavailable
        self.kept[consultation_id] = utterances
        self.jobs.remove(consultation_id)
        if not self.jobs:
            self.settled.set()
        return True

    async def consultation(self, consultation_id: str) -> Consultation:
        return a_consultation(language="auto")

    async def agent(self, agent_id: str) -> Agent:
        return AGENT

    async def recordings(self, consultation_id: str) -> list[RecordingFile]:
        return [A_FILE, WAV, MIXED]

    async def live_consultations(self) -> list[Consultation]:
        return self.live


class FakeReader:
    """Reads once nothing holds it up any more."""

    def __init__(self) -> None:
        self.orders: list[SecondPassOrder] = []
        self.fault: Exception | None = None
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.is_busy: Callable[[], bool] = lambda: False
        self.at_once = self.most_at_once = 0

    async def __call__(self, order: SecondPassOrder, is_busy: Callable[[], bool]) -> tuple[Utterance, ...]:
        self.orders.append(order)
        self.is_busy = is_busy
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await self.may_end.wait()
        finally:
            self.at_once -= 1
        if self.fault is not None:
            raise self.fault
        return SAID


class House:
    def __init__(self, *waiting: str) -> None:
        self.archive = FakeArchive(*waiting)
        self.reader = FakeReader()
        self.in_a_call = False
        self.settings = Settings(_env_file=None, recordings_dir=Path("/recordings"), second_pass_model="small")

    @asynccontextmanager
    async def running(self, owns: Callable[[str], bool] = lambda _: True):  # type: ignore[no-untyped-def]
        async with SecondPasses(self.settings, self.archive, self.reader, lambda: self.in_a_call, owns) as passes:
            yield passes

    async def settled(self) -> None:
        async with asyncio.timeout(5):
            await self.archive.settled.wait()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - what is waited for is not ours to announce
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_EVERY_S", "LOOK_WHILE_READING_S", "REST_AFTER_FAILURE_S"):
        monkeypatch.setattr(second_passes, name, 0.01)


async def test_each_voice_is_read_again_with_the_model_for_it() -> None:
    house = House("one")
    async with house.running():
        await house.settled()
    assert house.archive.kept == {"one": SAID}
    order = house.reader.orders[0]
    assert [(track.role, track.path, track.start_s) for track in order.tracks] == [
        (Role.PATIENT, Path("/recordings/one/patient.wav"), 0.5)
    ]
    assert (order.language, order.options.model, order.options.final_beam) == (None, "small", 8)


async def test_one_recording_is_read_at_a_time() -> None:
    house = House("one", "two", "three")
    async with house.running():
        await house.settled()
    assert sorted(house.archive.kept) == ["one", "three", "two"]
    assert house.reader.most_at_once == 1


async def test_nothing_is_read_while_somebody_is_in_a_call() -> None:
    house = House("one")
    house.in_a_call = True
    async with house.running():
        await asyncio.sleep(0.1)
        assert not house.reader.orders
        house.in_a_call = False
        await house.settled()


async def test_a_call_that_begins_makes_reading_stand_still_here_and_in_other_processes() -> None:
    house = House("one")
    house.reader.may_end.clear()
    async with house.running():
        await until(lambda: house.reader.orders)
        assert not house.reader.is_busy()
        house.in_a_call = True
        assert house.reader.is_busy()
        house.in_a_call = False
        house.archive.live = [a_consultation(id="consultation-2", status=ConsultationStatus.LIVE)]
        await until(house.reader.is_busy)
        house.archive.live = []
        await until(lambda: not house.reader.is_busy())
        house.reader.may_end.set()
        await house.settled()


async def test_what_a_stop_interrupts_waits_for_the_next_start() -> None:
    house = House("one")
    house.reader.may_end.clear()
    async with house.running():
        await until(lambda: house.reader.orders)
    assert (house.archive.jobs, house.archive.failed) == (["one"], [])
    house.reader.may_end.set()
    async with house.running():
        await house.settled()
    assert house.archive.kept == {"one": SAID}


@pytest.mark.parametrize("fault", [SpeechUnavailable("The model does not load."), RuntimeError("something else")])
async def test_a_recording_that_cannot_be_read_is_noted_and_does_not_end_the_others(fault: Exception) -> None:
    house = House("one")
    house.reader.fault = fault
    async with house.running() as passes:
        await house.settled()
        assert (house.archive.failed, passes.failures) == (["one"], 1)
        house.reader.fault = None
        house.archive.settled.clear()
        house.archive.jobs.append("two")
        await house.settled()
    assert house.archive.kept == {"two": SAID}


async def test_a_transcript_outlasts_a_database_that_is_away() -> None:
    house = House("one")
    house.archive.refusals = 3
    async with house.running():
        await house.settled()
    assert len(house.reader.orders) == 1
    assert house.archive.kept == {"one": SAID}


async def test_a_process_reads_only_what_is_its_own() -> None:
    house = House("other", "mine")
    async with house.running(lambda consultation_id: consultation_id == "mine"):
        await until(lambda: house.archive.kept)
        await asyncio.sleep(0.05)
    assert list(house.archive.kept) == ["mine"]
