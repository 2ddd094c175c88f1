"""A room's advice: asked for by the clinician, released by the clinician, and kept with what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from server.insight.background import LookedUp, Subject
from server.model.advice_events import BudgetSpent, Interaction, InteractionLogged, QuestionAsked, TipReleased
from server.model.consultation import Role
from server.model.errors import Forbidden, NotFound, Unavailable
from server.model.events import TipMarked, TipReady
from server.model.insight import Audience, Tip, TipKind, TipMark
from server.rooms.history import Past
from server.rooms.registry import Registry
from server.rooms.room import Room
from server.rooms.seating import Seating

from . import fakes
from .fakes import House, a_consultation, join, settle

CLINICIAN, PATIENT = Role.CLINICIAN, Role.PATIENT
NOTED = Interaction(id="i1", purpose="tips", generator="rules", outcome="answered", tip_ids=("t1",))


def a_tip(tip_id: str = "t1", kind: TipKind = TipKind.EXPLANATION, **more: Any) -> Tip:
    return Tip(id=tip_id, kind=kind, audience=Audience.CLINICIAN, text="O exame não dói.", **more)


@asynccontextmanager
async def living(house: House, **agent: Any) -> AsyncIterator[Seating]:
    of = fakes.AGENT.model_copy(update=agent)
    room = Room(a_consultation(), of, house.services(), house.time.clock(), "Gestante de 20 semanas")
    room.open()
    seating = Seating(room)
    running = asyncio.create_task(room.run(seating.look))
    await settle()
    try:
        yield seating
    finally:
        room.end("server_stopped")
        await running


@pytest.fixture
def house(tmp_path: Any) -> House:
    return House(tmp_path)


async def test_an_explanation_is_the_clinicians_until_released_and_then_the_patients(house: House) -> None:
    async with living(house) as seating:
        _, patient, _ = join(seating, PATIENT)
        _, doctor, _ = join(seating, CLINICIAN)
        house.advisors[0].on_tip(a_tip())
        assert not patient.of(TipReady)
        seating.room.advice.release(CLINICIAN, "t1")
        seating.room.advice.release(CLINICIAN, "t1")
        (released,) = patient.of(TipReleased)
        assert released.tip.audience is Audience.PATIENT
        assert doctor.of(TipReleased) == [released]
        assert [event.type for event in house.store.recorded].count("tip_released") == 1


@pytest.mark.parametrize("kind", [kind for kind in TipKind if kind is not TipKind.EXPLANATION])
async def test_nothing_but_an_explanation_can_be_released(kind: TipKind, house: House) -> None:
    async with living(house) as seating:
        _, patient, _ = join(seating, PATIENT)
        house.advisors[0].on_tip(a_tip(kind=kind))
        with pytest.raises(Forbidden):
            seating.room.advice.release(CLINICIAN, "t1")
        assert not patient.of(TipReleased)


async def test_nobody_else_releases_and_not_against_the_agents_record(house: House) -> None:
    async with living(house) as seating:
        house.advisors[0].on_tip(a_tip())
        with pytest.raises(Forbidden):
            seating.room.advice.release(PATIENT, "t1")
        with pytest.raises(NotFound):
            seating.room.advice.release(CLINICIAN, "t2")
    async with living(house, to_patient="nothing") as seating:
        house.advisors[1].on_tip(a_tip())
        with pytest.raises(Forbidden):
            seating.room.advice.release(CLINICIAN, "t1")


@pytest.mark.parametrize("audience", [Audience.PATIENT, Audience.ALL])
async def test_an_advisor_that_names_the_patient_is_not_believed(audience: Audience, house: House) -> None:
    async with living(house) as seating:
        _, patient, _ = join(seating, PATIENT)
        house.advisors[0].on_tip(a_tip().model_copy(update={"audience": audience}))
        assert not patient.of(TipReady)
        assert [event.tip.audience for event in house.store.recorded if isinstance(event, TipReady)] == ["clinician"]


async def test_a_question_is_the_clinicians_and_is_asked_once(house: House) -> None:
    async with living(house) as seating:
        _, patient, _ = join(seating, PATIENT)
        _, doctor, _ = join(seating, CLINICIAN)
        seating.room.advice.ask(CLINICIAN, "q1", "Tem alergia?")
        seating.room.advice.ask(CLINICIAN, "q1", "Tem alergia?")
        assert house.advisors[0].questions == [("q1", "Tem alergia?")]
        assert [event.text for event in doctor.of(QuestionAsked)] == ["Tem alergia?"]
        assert not patient.of(QuestionAsked)
        with pytest.raises(Forbidden):
            seating.room.advice.ask(PATIENT, "q2", "O que ele acha?")


async def test_an_agent_that_answers_nothing_is_not_asked(house: House) -> None:
    async with living(house, suggests=(TipKind.RED_FLAG,)) as seating:
        with pytest.raises(Forbidden):
            seating.room.advice.ask(CLINICIAN, "q1", "Tem alergia?")


async def test_without_an_advisor_a_question_is_refused_in_one_sentence(house: House) -> None:
    def broken(*_: Any) -> Any:
        raise FileNotFoundError("pt.toml")

    house._create_advisor = broken  # type: ignore[method-assign]
    async with living(house) as seating:
        with pytest.raises(Unavailable):
            seating.room.advice.ask(CLINICIAN, "q1", "Tem alergia?")


async def test_what_advice_costs_is_kept_and_told_to_nobody_but_a_spent_budget_to_the_clinician(house: House) -> None:
    async with living(house) as seating:
        _, patient, _ = join(seating, PATIENT)
        _, doctor, _ = join(seating, CLINICIAN)
        listener = house.advisors[0].listener
        listener.on_interaction(NOTED)
        listener.on_spent(7, 900)
        assert [event.interaction for event in house.store.recorded if isinstance(event, InteractionLogged)] == [NOTED]
        assert not [*doctor.of(InteractionLogged), *patient.of(InteractionLogged), *patient.of(BudgetSpent)]
        (spent,) = doctor.of(BudgetSpent)
        assert (spent.calls, spent.tokens) == (7, 900)


async def test_marks_are_the_clinicians_even_after_a_release(house: House) -> None:
    async with living(house) as seating:
        _, patient, _ = join(seating, PATIENT)
        _, doctor, _ = join(seating, CLINICIAN)
        house.advisors[0].on_tip(a_tip())
        seating.room.advice.release(CLINICIAN, "t1")
        with pytest.raises(Forbidden):
            seating.room.advice.mark(PATIENT, "t1", TipMark.DISMISSED)
        seating.room.advice.mark(CLINICIAN, "t1", TipMark.USEFUL)
        assert doctor.of(TipMarked)
        assert not patient.of(TipMarked)


class Sources:
    """Remembers who was asked about; answers when let."""

    def __init__(self) -> None:
        self.asked: list[tuple[Sequence[str], Subject]] = []
        self.may_answer = asyncio.Event()

    async def look_up(self, names: Sequence[str], subject: Subject) -> LookedUp:
        self.asked.append((tuple(names), subject))
        await self.may_answer.wait()
        return LookedUp({"record": {"of": subject.patient}}, {"record": "ok"})


async def test_sources_are_asked_beside_the_call_about_who_sits_there(house: House) -> None:
    sources = Sources()
    house.look_up = sources.look_up
    async with living(house, sources=("record",)) as seating:
        join(seating, PATIENT, identity="maria")
        await settle()
        advisor = house.advisors[0]
        assert sources.asked == [(("record",), Subject("consultation-1", patient="maria"))]
        assert advisor.background.initial == "Gestante de 20 semanas"
        assert advisor.background.data == {}
        sources.may_answer.set()
        await settle()
        assert advisor.background.data == {"record": {"of": "maria"}}
        join(seating, CLINICIAN, identity="ana")
        join(seating, CLINICIAN, identity="ana")
        await settle()
        assert len(sources.asked) == 2
        assert sources.asked[1][1].clinician == "ana"


@pytest.mark.parametrize(("shares", "name"), [(False, ""), (True, "Patient")])
async def test_names_are_told_to_a_model_only_where_the_agent_shares_them(
    shares: bool, name: str, house: House
) -> None:
    async with living(house, shares_names=shares) as seating:
        join(seating, PATIENT)
        (person,) = house.advisors[0].background.people
        assert (person.role, bool(person.name)) == (PATIENT, bool(name))


async def test_an_agent_without_sources_asks_nobody(house: House) -> None:
    sources = Sources()
    house.look_up = sources.look_up
    async with living(house) as seating:
        join(seating, PATIENT)
        await settle()
        assert sources.asked == []


def test_after_a_restart_a_released_explanation_is_both_and_an_unreleased_one_the_clinicians() -> None:
    released = a_tip("t2").model_copy(update={"audience": Audience.PATIENT})
    events = [event for _, event in Past([], [], [a_tip(), released], []).events(first=10)]
    ready = [event.tip for event in events if isinstance(event, TipReady)]
    assert [(tip.id, tip.audience) for tip in ready] == [("t1", "clinician"), ("t2", "clinician")]
    assert [event.tip for event in events if isinstance(event, TipReleased)] == [released]


async def test_a_restart_takes_over_tips_questions_and_what_was_spent(house: House) -> None:
    consultation = a_consultation(status="live", opened_at=fakes.OPENED_AT)
    house.store.consultations_by_id["consultation-1"] = consultation
    answer = a_tip("t2", TipKind.ANSWER, question_id="q1", question="Febre?")
    house.store.tip_records = [
        SimpleNamespace(tip=a_tip(), mark=TipMark.DISMISSED),
        SimpleNamespace(tip=answer, mark=None),
    ]
    async with Registry(house.services()) as registry:
        seating = await registry.seating("consultation-1")
        advisor = house.advisors[0]
        assert [tip.id for tip, mark in advisor.marks if mark is TipMark.DISMISSED] == ["t1"]
        seating.room.advice.ask(CLINICIAN, "q1", "Febre?")
        assert advisor.questions == []
        seating.room.advice.release(CLINICIAN, "t1")
