"""Reports: drafted at the end, kept through failures, the clinician's before any model's, and nobody else's to see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.insight.drafting.notebook import Notebook
from server.insight.providers.scripted import Asked, ScriptedChatModel
from server.model.consultation import Role
from server.model.errors import ChatModelUnavailable, Conflict, DatabaseUnavailable, NotFound
from server.model.events import FinalTranscript, ReportReady
from server.model.report import AddStatement, Report
from server.rooms.reports import Reports
from server.rooms.room import Room
from server.rooms.seating import Seating
from tests.insight.spoken import utterances
from tests.shelf import FakeShelf

from .fakes import AGENT, House, a_consultation, join, settle

CID = "consultation-1"
SAID = utterances(("c: Teve febre?", "p: Não.", "p: Estou com dor no peito há três dias."))
NOTED = {
    "about": "symptoms",
    "text": "Dor no peito.",
    "evidence": [{"utterance_id": "u2", "quote": "dor no peito há três dias"}],
}
SENTENCE = {"section": "subjective", "text": "Dor no peito há 3 dias, sem febre.", "notes": ["n1"]}


class Archive:
    """A store with one consultation that was said something in."""

    def __init__(self) -> None:
        self.reports: Any = FakeShelf()
        self.noted: list[Any] = []
        self.said = list(SAID)

    def record(self, consultation_id: str, event: Any) -> None:
        self.noted.append(event)

    async def consultation(self, consultation_id: str) -> Any:
        if consultation_id != CID:
            raise NotFound
        return a_consultation()

    async def agent(self, agent_id: str) -> Any:
        return AGENT

    async def utterances(self, consultation_id: str, edition: str) -> Any:
        return self.said if edition == "live" else []

    async def second_pass(self, consultation_id: str) -> str:
        return "none"

    async def recordings(self, consultation_id: str) -> Any:
        return []


@pytest.fixture
def archive() -> Archive:
    return Archive()


@asynccontextmanager
async def desk(archive: Archive, model: ScriptedChatModel | None = None) -> AsyncIterator[Reports]:
    async with Reports(archive, lambda _: Notebook(model), Path("/nonexistent")) as reports:
        yield reports


def texts(report: Report) -> set[str]:
    return {one.text for section in report.sections for one in section.statements}


async def writes(asked: Asked) -> dict[str, Any]:
    return {"notes": [NOTED]} if "dialogue" in asked.user else {"statements": [SENTENCE]}


async def written(reports: Reports) -> None:
    for _ in range(6000):
        if not reports.is_writing(CID):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("a model is still writing")


async def test_a_room_drafts_its_report_when_it_ends_and_tells_the_clinician_alone(
    tmp_path: Path, archive: Archive
) -> None:
    house = House(tmp_path)
    async with desk(archive) as reports:
        services = replace(house.services(), reports=reports)
        room = Room(a_consultation(), AGENT, services, house.time.clock())
        room.open()
        seating = Seating(room)
        running = asyncio.create_task(room.run(seating.look))
        await settle()
        _, clinician, _ = join(seating, Role.CLINICIAN)
        _, patient, _ = join(seating, Role.PATIENT)
        for one in SAID:
            room.publish(FinalTranscript(at_s=one.end_s, utterance=one))
        await settle()
        room.end("ended_by_clinician")
        await running
    (kept,) = archive.reports.kept[CID]
    assert texts(kept) >= {"Nega febre.", "Dor no peito, há três dias."}
    (ready,) = clinician.of(ReportReady)
    assert (ready.version, ready.unsupported) == (1, 0)
    assert patient.of(ReportReady) == []
    assert ready in house.store.recorded


async def test_a_report_that_cannot_be_kept_at_the_end_is_drafted_when_asked_for(archive: Archive) -> None:
    shelf = archive.reports

    class Away:
        async def newest(self, consultation_id: str) -> None:
            raise DatabaseUnavailable

    async with desk(archive) as reports:
        notebook = reports.notebook(CID, AGENT, lambda _: None)
        for one in SAID:
            notebook.hear(one)
        archive.reports = Away()
        await reports.at_end(CID)
        assert reports.failures == 1
        archive.reports = shelf
        assert "Nega febre." in texts(await reports.newest(CID))


async def test_a_restart_changes_nothing_of_a_draft(archive: Archive) -> None:
    async with desk(archive) as reports:
        notebook = reports.notebook(CID, AGENT, lambda _: None)
        for one in SAID:
            notebook.hear(one)
        await reports.at_end(CID)
    (live,) = archive.reports.kept.pop(CID)
    async with desk(archive) as reports:
        again = await reports.newest(CID)
    assert again.sections == live.sections


async def test_who_asks_twice_at_once_gets_one_draft(archive: Archive) -> None:
    async with desk(archive) as reports:
        first, second = await asyncio.gather(reports.newest(CID), reports.newest(CID))
    assert first == second
    assert len(archive.reports.kept[CID]) == 1


async def test_a_draft_of_half_a_call_gives_way_at_the_end_but_not_the_clinicians(archive: Archive) -> None:
    async with desk(archive) as reports:
        notebook = reports.notebook(CID, AGENT, lambda _: None)
        notebook.hear(SAID[0])
        notebook.hear(SAID[1])
        half = await reports.draft(CID, "laudo")
        notebook.hear(SAID[2])
        await reports.at_end(CID)
        whole = await reports.newest(CID)
        assert (half.version, whole.version, whole.template) == (1, 2, "laudo")
        assert "Dor no peito, há três dias." in texts(whole) - texts(half)
        archive.reports.kept.clear()
        notebook = reports.notebook(CID, AGENT, lambda _: None)
        notebook.hear(SAID[1])
        await reports.draft(CID)
        await reports.change(CID, 1, [AddStatement(kind="add", section_id="plan", text="Retorno.")], "Dra. Ana")
        await reports.at_end(CID)
        assert (await reports.newest(CID)).author == "Dra. Ana"


async def test_a_models_draft_follows_the_one_by_the_rules(archive: Archive) -> None:
    model = ScriptedChatModel(last=writes)
    async with desk(archive, model) as reports:
        assert (await reports.newest(CID)).model == ""
        assert reports.is_writing(CID)
        await written(reports)
        second = await reports.newest(CID)
    assert (second.version, second.model, texts(second)) == (2, "scripted", {SENTENCE["text"]})
    assert [event.model for event in archive.noted] == ["", "scripted"]


@pytest.mark.parametrize("fault", [ChatModelUnavailable("It is away."), RuntimeError("private words")])
async def test_where_the_model_fails_the_draft_by_the_rules_stands(archive: Archive, fault: Exception) -> None:
    async with desk(archive, ScriptedChatModel(last=fault)) as reports:
        drafted = await reports.newest(CID)
        await written(reports)
        assert await reports.newest(CID) == drafted


async def test_a_models_draft_never_comes_over_the_clinicians_work(archive: Archive) -> None:
    may_answer = asyncio.Event()

    async def slow(asked: Asked) -> dict[str, Any]:
        await may_answer.wait()
        return await writes(asked)

    async with desk(archive, ScriptedChatModel(last=slow)) as reports:
        await reports.newest(CID)
        await reports.change(CID, 1, [AddStatement(kind="add", section_id="plan", text="Retorno.")], "Dra. Ana")
        may_answer.set()
        await written(reports)
        newest = await reports.newest(CID)
    assert (newest.version, newest.author) == (2, "Dra. Ana")


async def test_leaving_gives_up_what_is_being_written(archive: Archive) -> None:
    async def never(asked: Asked) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async with desk(archive, ScriptedChatModel(last=never)) as reports:
        await reports.newest(CID)
        assert reports.is_writing(CID)
    assert len(archive.reports.kept[CID]) == 1


async def test_two_who_change_the_same_version_do_not_overwrite_each_other(archive: Archive) -> None:
    add = AddStatement(kind="add", section_id="plan", text="Retorno.")
    async with desk(archive) as reports:
        await reports.newest(CID)
        done = await asyncio.gather(
            reports.change(CID, 1, [add], "A"), reports.change(CID, 1, [add], "B"), return_exceptions=True
        )
    assert {type(one) for one in done} == {Report, Conflict}
    assert len(archive.reports.kept[CID]) == 2


async def test_of_an_unknown_consultation_there_is_nothing(archive: Archive) -> None:
    async with desk(archive) as reports:
        for ask in (reports.newest, reports.versions, reports.draft):
            with pytest.raises(NotFound):
                await ask("consultation-unknown")
