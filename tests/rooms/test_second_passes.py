"""Recordings are read again after the call, one at a time, and never beside one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from server.insight.entities.extract import extract
from server.model.consultation import Agent, Consultation, ConsultationStatus, Role
from server.model.entities import Entity
from server.model.errors import DatabaseUnavailable, NotFound, SpeechUnavailable
from server.model.recording_events import RecordingFile
from server.model.transcript import Utterance
from server.recording.manifest import MANIFEST_NAME, Interval, Manifest, ParticipantAudio
from server.rooms import second_passes
from server.rooms.second_passes import Readers, SecondPasses
from server.settings import Settings
from server.speech.second_pass import SecondPassOrder, SecondReading
from server.storage.lock import FolderLock

from .fakes import A_FILE, AGENT, OPENED_AT, a_consultation

SAID = (Utterance(id="patient-1", role=Role.PATIENT, start_s=1.0, end_s=2.0, text="dói aqui", language="pt"),)
WAV = A_FILE.model_copy(
    update={"name": "patient.wav", "format": "wav", "start_s": 0.5, "duration_s": 20.0, "size_bytes": 4}
)
MIXED = WAV.model_copy(update={"name": "mixed.wav", "role": None})


class FakeArchive:
    """Jobs in a list; is its own `second_passes`."""

    def __init__(self, *waiting: str) -> None:
        self.jobs = list(waiting)
        self.kept: dict[str, Sequence[Utterance]] = {}
        self.named: dict[str, Sequence[Entity]] = {}
        self.failures: list[str] = []
        self.given_up: list[str] = []
        self.partial: set[str] = set()
        self.heard: list[Utterance] = []
        self.files = [A_FILE, WAV, MIXED]
        self.deleted = False
        self.breaks: Exception | None = None
        self.live: list[Consultation] = []
        self.refusals = 0
        self.settled = asyncio.Event()

    @property
    def second_passes(self) -> FakeArchive:
        return self

    async def waiting(self) -> list[str]:
        return list(self.jobs)

    async def failed(self) -> list[str]:
        return self.given_up

    async def give_up(self, consultation_id: str) -> None:
        self.given_up.append(consultation_id)
        self.jobs.remove(consultation_id)
        self.settled.set()

    async def note_failure(self, consultation_id: str) -> None:
        self.failures.append(consultation_id)
        self.jobs.remove(consultation_id)
        self.settled.set()

    async def keep(
        self, consultation_id: str, utterances: Sequence[Utterance], entities: Sequence[Entity], *, partial: bool
    ) -> bool:
        if self.refusals:
            self.refusals -= 1
            raise DatabaseUnavailable
        if self.breaks is not None:
            raise self.breaks
        if consultation_id not in self.jobs:
            return False
        if partial:
            self.partial.add(consultation_id)
        self.kept[consultation_id] = utterances
        self.named[consultation_id] = entities
        self.jobs.remove(consultation_id)
        if not self.jobs:
            self.settled.set()
        return True

    async def consultation(self, consultation_id: str) -> Consultation:
        if self.deleted:
            raise NotFound("There is no consultation with this id.")
        return a_consultation(language="auto")

    async def agent(self, agent_id: str) -> Agent:
        return AGENT

    async def recordings(self, consultation_id: str) -> list[RecordingFile]:
        return self.files

    async def utterances(self, consultation_id: str) -> list[Utterance]:
        return self.heard

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

    async def __call__(self, order: SecondPassOrder, is_busy: Callable[[], bool]) -> SecondReading:
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
        return SecondReading(SAID, took_s=4.0)


class House:
    def __init__(self, folder: Path, *waiting: str) -> None:
        self.archive = FakeArchive(*waiting)
        self.reader = FakeReader()
        self.in_a_call = False
        self.entity_fault: Exception | None = None
        self.recordings = folder / "recordings"
        self.settings = Settings(
            _env_file=None,
            data_dir=folder / "data",
            recordings_dir=self.recordings,
            second_pass_model="small",
            min_free_disk_mb=0,
        )
        for consultation_id in waiting:
            self.record(consultation_id)

    def record(self, consultation_id: str, *recorded: tuple[float, float]) -> None:
        """Write what `WAV` names, and that it holds these stretches of the patient (20 s if there is none)."""
        folder = self.recordings / consultation_id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / WAV.name).write_bytes(b"RIFF")
        account = {"start_s": 0.0, "connections": 1, "packets": 1, "lost": 0, "duplicates": 0, "invalid": 0}
        manifest = Manifest(
            consultation_id=consultation_id,
            opened_at=OPENED_AT,
            duration_s=20.0,
            closed=True,
            recorded=tuple(Interval(start_s=start, end_s=end) for start, end in recorded or ((0.0, 20.0),)),
            participants=(
                ParticipantAudio.model_validate(
                    account
                    | {"role": Role.PATIENT, "dropped": 0, "not_kept": 0, "gaps": ({"start_s": 9, "end_s": 13},)}
                ),
            ),
            files=(WAV,),
        )
        (folder / MANIFEST_NAME).write_text(manifest.model_dump_json())

    @asynccontextmanager
    async def running(self, owns: Callable[[str], bool] = lambda _: True):  # type: ignore[no-untyped-def]
        readers = Readers(self.reader, self._find_entities)
        async with SecondPasses(self.settings, self.archive, readers, lambda: self.in_a_call, owns) as passes:
            yield passes

    async def _find_entities(self, agent: Agent, utterances: Sequence[Utterance]) -> list[Entity]:
        if self.entity_fault is not None:
            raise self.entity_fault
        return [entity for said in utterances for entity in extract(said)]

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


async def test_each_voice_is_read_again_with_the_model_for_it(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    async with house.running():
        await house.settled()
    assert house.archive.kept == {"one": SAID}
    order = house.reader.orders[0]
    assert [(track.role, track.path, track.start_s) for track in order.tracks] == [
        (Role.PATIENT, tmp_path / "recordings/one/patient.wav", 0.5)
    ]
    assert (order.language, order.options.model, order.options.final_beam) == (None, "small", 8)


async def test_one_recording_is_read_at_a_time(tmp_path: Path) -> None:
    house = House(tmp_path, "one", "two", "three")
    async with house.running():
        await house.settled()
    assert sorted(house.archive.kept) == ["one", "three", "two"]
    assert house.reader.most_at_once == 1


async def test_nothing_is_read_while_somebody_is_in_a_call(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    house.in_a_call = True
    async with house.running():
        await asyncio.sleep(0.1)
        assert not house.reader.orders
        house.in_a_call = False
        await house.settled()


async def test_a_call_that_begins_makes_reading_stand_still_here_and_in_other_processes(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
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


async def test_what_a_stop_interrupts_waits_for_the_next_start(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    house.reader.may_end.clear()
    async with house.running():
        await until(lambda: house.reader.orders)
    assert (house.archive.jobs, house.archive.failures) == (["one"], [])
    house.reader.may_end.set()
    async with house.running():
        await house.settled()
    assert house.archive.kept == {"one": SAID}


@pytest.mark.parametrize("fault", [SpeechUnavailable("The model does not load."), RuntimeError("something else")])
async def test_a_recording_that_cannot_be_read_is_noted_and_does_not_end_the_others(
    tmp_path: Path, fault: Exception
) -> None:
    house = House(tmp_path, "one")
    house.reader.fault = fault
    async with house.running() as passes:
        await house.settled()
        assert (house.archive.failures, passes.figures.failures) == (["one"], 1)
        house.reader.fault = None
        house.archive.settled.clear()
        house.record("two")
        house.archive.jobs.append("two")
        await house.settled()
    assert house.archive.kept == {"two": SAID}


async def test_a_transcript_outlasts_a_database_that_is_away(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    house.archive.refusals = 3
    async with house.running():
        await house.settled()
    assert len(house.reader.orders) == 1
    assert house.archive.kept == {"one": SAID}


async def test_a_process_reads_only_what_is_its_own(tmp_path: Path) -> None:
    house = House(tmp_path, "other", "mine")
    async with house.running(lambda consultation_id: consultation_id == "mine"):
        await until(lambda: house.archive.kept)
        await asyncio.sleep(0.05)
    assert list(house.archive.kept) == ["mine"]


async def test_what_an_attempt_may_take_goes_by_the_length_of_the_sound(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    async with house.running():
        await house.settled()
    assert house.reader.orders[0].limit_s == 600 + 30 * 20


async def test_of_two_processes_with_one_data_folder_one_reads_at_a_time(tmp_path: Path) -> None:
    house, other = House(tmp_path, "one"), House(tmp_path, "two")
    house.reader.may_end.clear()
    async with house.running(), other.running() as others:
        await until(lambda: house.reader.orders or other.reader.orders)
        first, second = (house, other) if house.reader.orders else (other, house)
        await asyncio.sleep(0.1)
        assert not second.reader.orders
        house.reader.may_end.set()
        await first.settled()
        await second.settled()
        assert others.figures.running == 0


async def test_the_turn_to_read_ends_with_the_process_that_has_it(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    (tmp_path / "data/second-pass").mkdir(parents=True)
    dead = FolderLock(tmp_path / "data/second-pass", "The second pass")
    async with house.running() as passes:
        await until(lambda: passes.figures.waiting)
        await asyncio.sleep(0.1)
        assert not house.reader.orders
        dead.release()
        await house.settled()


async def test_it_is_told_how_many_wait_are_read_and_were_given_up(tmp_path: Path) -> None:
    house = House(tmp_path, "one", "two")
    house.archive.given_up = ["three", "of another process"]
    house.reader.may_end.clear()
    async with house.running(lambda consultation_id: consultation_id in ("one", "two", "three")) as passes:
        await until(lambda: house.reader.orders and passes.figures.waiting == 1)
        assert (passes.figures.running, passes.figures.failed) == (1, 1)
        house.reader.may_end.set()
        await house.settled()
        await until(lambda: not passes.figures.waiting)
        figures = passes.figures
    assert (figures.running, figures.failures, figures.sound_s, figures.reading_s) == (0, 0, 40.0, 8.0)


def said_at(start_s: float) -> Utterance:
    return SAID[0].model_copy(update={"start_s": start_s, "end_s": start_s + 1})


@pytest.mark.parametrize(
    ("recorded", "at_s", "partial"),
    [
        (((0.0, 20.0),), 18.0, False),
        (((0.0, 8.0),), 8.4, False),  # they disagree a little about when it sounded
        (((0.0, 10.0),), 15.0, True),  # recording had to stop
        (((0.0, 5.0), (14.0, 20.0)), 8.0, True),
        (((0.0, 20.0),), 10.5, True),  # the disk took nothing
    ],
)
async def test_a_recording_that_lacks_what_captions_had_makes_a_partial_transcript(
    tmp_path: Path, recorded: tuple[tuple[float, float], ...], at_s: float, partial: bool
) -> None:
    house = House(tmp_path, "one")
    house.record("one", *recorded)
    house.archive.heard = [said_at(1.0), said_at(at_s)]
    async with house.running():
        await house.settled()
    assert house.archive.partial == ({"one"} if partial else set())


async def test_a_voice_of_which_there_is_no_file_makes_a_partial_transcript(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    house.archive.heard = [said_at(1.0).model_copy(update={"role": Role.CLINICIAN})]
    async with house.running():
        await house.settled()
    assert house.archive.partial == {"one"}


@pytest.mark.parametrize("when", ["before", "while it is read"])
async def test_a_recording_that_was_deleted_is_given_up_at_once(tmp_path: Path, when: str) -> None:
    house = House(tmp_path, "one")
    house.reader.may_end.clear()
    house.reader.fault = SpeechUnavailable("No such file.")
    if when == "before":
        shutil.rmtree(house.recordings / "one")
    async with house.running() as passes:
        if when != "before":
            await until(lambda: house.reader.orders)
            shutil.rmtree(house.recordings / "one")
            house.reader.may_end.set()
        await house.settled()
        assert (house.archive.given_up, house.archive.failures, passes.figures.failures) == (["one"], [], 0)
    assert len(house.reader.orders) == (when != "before")


async def test_a_recording_whose_files_the_database_has_forgotten_is_given_up(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    house.archive.files = []
    async with house.running():
        await house.settled()
    assert house.archive.given_up == ["one"]


@pytest.mark.parametrize("when", ["before", "while it is read"])
async def test_a_consultation_that_was_deleted_gets_no_transcript_and_is_no_failure(tmp_path: Path, when: str) -> None:
    house = House(tmp_path, "one", "two")
    if when == "before":
        house.archive.deleted = True
    else:
        house.reader.may_end.clear()
    async with house.running() as passes:
        if when == "before":
            await asyncio.sleep(0.05)
            house.archive.deleted = False
        else:
            await until(lambda: house.reader.orders)
        house.archive.jobs.remove("one")
        house.reader.may_end.set()
        await house.settled()
        assert passes.figures.failures == 0
    assert list(house.archive.kept) == ["two"]
    assert house.archive.failures == []


async def test_files_that_are_not_what_was_finished_are_not_read(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    (house.recordings / "one" / WAV.name).write_bytes(b"RI")
    async with house.running():
        await house.settled()
    assert (house.archive.failures, house.reader.orders) == (["one"], [])


async def test_on_a_full_disk_recordings_wait_and_no_attempt_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, "one")
    house.settings = house.settings.model_copy(update={"min_free_disk_mb": 100})
    free = [99]
    monkeypatch.setattr(second_passes, "free_mb", lambda _: free[0])
    async with house.running() as passes:
        await until(lambda: passes.figures.waiting)
        await asyncio.sleep(0.1)
        assert (house.reader.orders, house.archive.failures) == ([], [])
        free[0] = 100
        await house.settled()
    assert list(house.archive.kept) == ["one"]


async def test_a_disk_that_takes_no_lock_lets_them_wait(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    (tmp_path / "data").write_text("in the way")
    async with house.running() as passes:
        await until(lambda: passes.figures.waiting)
        await asyncio.sleep(0.1)
        assert (house.reader.orders, house.archive.failures) == ([], [])
        (tmp_path / "data").unlink()
        await house.settled()


async def test_a_transcript_that_the_database_cannot_take_harms_nobody(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    house.archive.breaks = RuntimeError("a constraint")
    async with house.running():
        await house.settled()
    assert house.archive.failures == ["one"]


async def test_what_the_final_transcript_names_is_kept_with_it(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    async with house.running():
        await house.settled()
    assert [entity.text for entity in house.archive.named["one"]] == ["dói"]


async def test_a_final_transcript_is_kept_even_if_nothing_can_be_found_in_it(tmp_path: Path) -> None:
    house = House(tmp_path, "one")
    house.entity_fault = RuntimeError("boom")
    async with house.running() as passes:
        await house.settled()
    assert house.archive.kept["one"] == SAID
    assert house.archive.named["one"] == ()
    assert passes.figures.failures == 1
