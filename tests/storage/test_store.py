"""Everything recorded can be read."""

import json
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.model.advice_events import InteractionLogged, TipReleased
from server.model.consultation import Agent, ConsultationStatus, Role
from server.model.errors import Conflict, InvalidRequest, NotFound
from server.model.events import (
    ChatSent,
    ConsentChanged,
    ConsultationEnded,
    ConsultationOpened,
    Event,
    TipMarked,
    TipReady,
)
from server.model.insight import Audience, TipKind, TipMark
from server.model.recording_events import RecordingFinalized
from server.storage.clean import clean
from server.storage.store import Store

from .facts import (
    CID,
    OPENED_AT,
    SECRET,
    UNLOGGED,
    connection,
    consultation,
    interaction,
    joined,
    left,
    one_of_each,
    recording,
    said,
    tip,
)

PATIENCE_S = 30.0


async def keep(store: Store, *events: Event, consultation_id: str = CID) -> None:
    for event in events:
        store.record(consultation_id, event)
    assert await store.settled(PATIENCE_S)


async def present_s(store: Store, role: Role = Role.PATIENT) -> list[float]:
    return [person.present_s for person in await store.participants(CID) if person.role is role]


async def test_every_event_is_kept_and_all_but_words_is_in_the_activity_log(store: Store) -> None:
    await keep(store, *one_of_each())
    expected = [event.type for event in one_of_each() if event.type not in UNLOGGED]
    assert [entry.kind for entry in await store.activity(CID)] == ["consultation_created", *expected]
    assert store.refused == store.lost == 0


async def test_what_was_said_typed_or_advised_is_not_in_the_activity_log(store: Store) -> None:
    await keep(store, *one_of_each(SECRET))
    activity = await store.activity(CID)
    assert SECRET not in repr(activity)
    assert SECRET in (await store.utterances(CID))[0].text
    assert SECRET in (await store.chat_messages(CID))[0].text
    assert SECRET in (await store.tips(CID))[0].tip.text


async def test_a_consultation_is_scheduled_then_live_then_ended(store: Store) -> None:
    assert await store.consultation(CID) == consultation()
    await keep(store, ConsultationOpened(at_s=0.0, opened_at=OPENED_AT))
    live = await store.consultation(CID)
    assert (live.status, live.opened_at) == (ConsultationStatus.LIVE, OPENED_AT)
    assert await store.live_consultations() == [live]
    await keep(store, ConsultationEnded(at_s=61.0, reason="ended_by_clinician", by=Role.CLINICIAN))
    ended = await store.consultation(CID)
    assert (ended.status, ended.end_reason) == (ConsultationStatus.ENDED, "ended_by_clinician")
    assert ended.ended_at is not None
    assert await store.live_consultations() == []


async def test_an_ended_consultation_stays_as_it_ended(store: Store) -> None:
    await keep(store, ConsultationOpened(at_s=0.0, opened_at=OPENED_AT), ConsultationEnded(at_s=1.0, reason="idle"))
    ended = await store.consultation(CID)
    late = OPENED_AT + timedelta(hours=1)
    await keep(store, ConsultationOpened(at_s=0.0, opened_at=late), ConsultationEnded(at_s=2.0, reason="abandoned"))
    assert await store.consultation(CID) == ended


async def test_participants_carry_name_consent_and_presence(store: Store) -> None:
    await keep(
        store,
        joined(0.0, Role.CLINICIAN, "clinician-1"),
        joined(5.0),
        ConsentChanged(at_s=6.0, role=Role.PATIENT, granted=True),
        left(65.0),
        ConsultationEnded(at_s=100.0, reason="ended_by_clinician"),
    )
    clinician, patient = await store.participants(CID)
    assert (clinician.identity, clinician.consent, clinician.present_s) == ("clinician-1", None, 100.0)
    assert (patient.identity, patient.name, patient.consent, patient.present_s) == ("patient-1", "Ana", True, 60.0)
    assert patient.joined_at is not None
    assert patient.left_at is not None
    assert clinician.left_at is not None


async def test_time_away_is_not_time_present(store: Store) -> None:
    await keep(
        store,
        joined(0.0),
        connection(1.0, "connected"),
        connection(50.0, "unstable"),
        connection(60.0, "lost"),
        connection(90.0, "connected"),
        left(100.0),
        connection(101.0, "connected"),  # a straggler brings nobody back
        joined(200.0, returned=True),
        left(210.0),
        ConsultationEnded(at_s=300.0, reason="idle"),
    )
    assert await present_s(store) == [60.0 + 10.0 + 10.0]
    leaving = [entry for entry in await store.activity(CID) if entry.kind == "participant_left"]
    assert [entry.detail["present_s"] for entry in leaving] == [70.0, 80.0]


async def test_taking_ones_own_seat_over_counts_no_time_twice(store: Store) -> None:
    await keep(store, joined(0.0), joined(10.0, returned=True), joined(20.0, returned=True), left(30.0))
    assert await present_s(store) == [30.0]


async def test_two_people_one_after_the_other_in_a_seat_are_told_apart(store: Store) -> None:
    await keep(
        store,
        joined(0.0, identity="patient-1"),
        ConsentChanged(at_s=1.0, role=Role.PATIENT, granted=True),
        left(10.0),
        joined(20.0, identity="patient-2"),
        ConsentChanged(at_s=21.0, role=Role.PATIENT, granted=False),
        connection(22.0, "connected"),
        left(25.0),
    )
    people = await store.participants(CID)
    assert [(person.identity, person.consent, person.present_s) for person in people] == [
        ("patient-1", True, 10.0),
        ("patient-2", False, 5.0),
    ]


async def test_after_a_crash_presence_ends_with_the_last_thing_known(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    await keep(store, joined(0.0), said(1, start_s=41.5))
    await store.aclose()
    survivor = await Store.open(database_url, tmp_path / "other-spool")
    assert await survivor.settled(PATIENCE_S)
    assert await present_s(survivor) == [42.0]
    await keep(survivor, joined(500.0, returned=True), left(510.0))
    assert await present_s(survivor) == [52.0]
    await survivor.aclose()


async def test_the_transcript_is_in_the_order_of_speech_with_its_words(store: Store) -> None:
    late, early = said(1, "segundo", start_s=9.0), said(2, "primeiro", start_s=3.0)
    await keep(store, late, early, late)
    assert await store.utterances(CID) == [early.utterance, late.utterance]


async def test_an_utterance_never_changes(store: Store) -> None:
    await keep(store, said(1, "dor"), said(1, "outra coisa"))
    assert [utterance.text for utterance in await store.utterances(CID)] == ["dor"]


async def test_both_may_number_their_messages_alike(store: Store) -> None:
    messages = [
        ChatSent(at_s=float(at_s), message_id="m1", role=role, name="x", text=role.value)
        for at_s, role in enumerate(Role)
    ]
    await keep(store, *messages, *messages)
    assert await store.chat_messages(CID) == messages


async def test_tips_come_back_whole_with_their_last_mark(store: Store) -> None:
    def mark(value: TipMark) -> TipMarked:
        return TipMarked(at_s=8.0, tip_id="tip-1", audience=Audience.CLINICIAN, mark=value, role=Role.CLINICIAN)

    given = [TipReady(at_s=5.0, tip=tip("tip-1")), TipReady(at_s=6.0, tip=tip("tip-2"))]
    await keep(store, *given, mark(TipMark.USEFUL), mark(TipMark.DONE))
    first, second = await store.tips(CID)
    assert (first.tip, first.mark, first.at_s) == (tip("tip-1"), TipMark.DONE, 5.0)
    assert (second.tip, second.mark) == (tip("tip-2"), None)


async def test_a_released_tip_is_the_patients_and_an_answer_keeps_its_question(store: Store) -> None:
    answer = tip("tip-2").model_copy(update={"kind": TipKind.ANSWER, "question_id": "q1", "question": "Febre?"})
    explanation = tip("tip-1").model_copy(update={"kind": TipKind.EXPLANATION})
    released = explanation.model_copy(update={"audience": Audience.PATIENT})
    await keep(store, TipReady(at_s=5.0, tip=explanation), TipReady(at_s=6.0, tip=answer))
    assert [record.released_at_s for record in await store.tips(CID)] == [None, None]
    await keep(store, TipReleased(at_s=7.0, tip=released), TipReleased(at_s=8.0, tip=released))
    first, second = await store.tips(CID)
    assert (first.tip, first.released_at_s) == (released, 7.0)
    assert (second.tip, second.released_at_s) == (answer, None)


async def test_interactions_come_back_whole_and_once(store: Store) -> None:
    logged = [InteractionLogged(at_s=at_s, interaction=interaction(f"i{at_s:g}")) for at_s in (1.0, 2.0, 2.0)]
    await keep(store, *logged)
    kept = await store.interactions(CID)
    assert [(record.at_s, record.interaction) for record in kept] == [
        (1.0, interaction("i1")),
        (2.0, interaction("i2")),
    ]


async def test_what_the_agent_is_told_beforehand_is_not_in_the_consultation(store: Store) -> None:
    assert await store.context(CID) == ""
    await store.save_context(CID, "Gestante de 20 semanas\x00")
    await store.save_context(CID, f"{SECRET}\x00")
    assert await store.context(CID) == f"{SECRET}\ufffd"
    assert SECRET not in (await store.consultation(CID)).model_dump_json()
    with pytest.raises(NotFound):
        await store.save_context("consultation-9", "x")


async def test_finalizing_again_replaces_what_is_known_of_the_files(store: Store) -> None:
    first = (recording("patient.ogg", Role.PATIENT, 10), recording("clinician.ogg", Role.CLINICIAN, 10))
    again = recording("patient.ogg", Role.PATIENT, 20)
    mixed = recording("mixed.ogg", None)
    await keep(store, RecordingFinalized(at_s=1.0, files=first), RecordingFinalized(at_s=2.0, files=(again, mixed)))
    assert await store.recordings(CID) == [first[1], mixed, again]


async def test_one_consultation_does_not_see_another(store: Store) -> None:
    await store.create_consultation(consultation("consultation-2"))
    await keep(store, *one_of_each())
    assert await store.participants("consultation-2") == []
    assert await store.utterances("consultation-2") == []
    assert len(await store.activity("consultation-2")) == 1


async def test_a_refused_write_is_set_aside_and_the_rest_goes_on(store: Store, tmp_path: Path) -> None:
    await keep(store, said(1), consultation_id=CID)
    store.record("consultation-unknown", said(2))
    store.record(CID, said(3))
    assert await store.settled(PATIENCE_S)
    assert [utterance.id for utterance in await store.utterances(CID)] == ["u1", "u3"]
    assert store.refused == 1
    [line] = (tmp_path / "spool/refused.jsonl").read_text().splitlines()
    assert json.loads(line)["reason"] == "ForeignKeyViolation 23503"
    assert "consultation-unknown" in json.loads(line)["record"]
    assert store.state == ("ok", "")


@pytest.mark.parametrize("at_fault", [{0}, {19}, {7, 8}, set(range(20))])
async def test_refused_writes_anywhere_in_a_batch_take_no_others_with_them(store: Store, at_fault: set[int]) -> None:
    assert await store.settled(PATIENCE_S)
    for number in range(20):  # one batch: nothing is applied before the next await
        store.record("consultation-unknown" if number in at_fault else CID, said(number))
    assert await store.settled(PATIENCE_S)
    expected = [f"u{number}" for number in range(20) if number not in at_fault]
    assert [utterance.id for utterance in await store.utterances(CID)] == expected
    assert store.refused == len(at_fault)


async def test_recording_never_raises_even_for_what_cannot_be_written(store: Store) -> None:
    store.record(CID, said(1, "a" * 5_000_000))
    assert store.lost == 1
    await keep(store, said(2))
    assert [utterance.id for utterance in await store.utterances(CID)] == ["u2"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(texts=st.lists(st.text(st.characters(), min_size=1, max_size=30), min_size=1, max_size=5))
async def test_whatever_people_type_is_kept(store: Store, texts: list[str]) -> None:
    before = len(await store.chat_messages(CID))
    for number, text in enumerate(texts):
        message_id = f"m{before + number}"
        store.record(CID, ChatSent(at_s=before + number, message_id=message_id, role=Role.PATIENT, name="A", text=text))
    assert await store.settled(PATIENCE_S)
    assert [message.text for message in (await store.chat_messages(CID))[before:]] == [clean(text) for text in texts]


async def test_consultations_are_listed_newest_first_page_by_page(store: Store) -> None:
    made = [
        consultation(f"consultation-{minutes}", created_at=OPENED_AT + timedelta(minutes=minutes))
        for minutes in range(10, 15)
    ]
    for each in made:
        await store.create_consultation(each)
    newest = list(reversed(made))
    first = await store.consultations(limit=2, before=None)
    assert first == newest[:2]
    assert await store.consultations(limit=2, before=first[-1].created_at) == newest[2:4]
    assert await store.consultations(limit=100) == [*newest, consultation()]


async def test_an_id_is_given_once_but_a_repeated_attempt_is_the_same_one(store: Store) -> None:
    await store.create_consultation(consultation())
    with pytest.raises(Conflict, match=CID):
        await store.create_consultation(consultation(created_at=OPENED_AT + timedelta(seconds=1)))
    assert len(await store.activity(CID)) == 1


async def test_a_consultation_needs_an_agent_that_exists(store: Store) -> None:
    with pytest.raises(InvalidRequest, match="nobody"):
        await store.create_consultation(consultation("consultation-2", agent_id="nobody"))


@pytest.mark.parametrize("name", ["nothing-here", "", "a\x00b", "\ud83e", "'; DROP TABLE agents; --"])
async def test_what_is_not_there_is_not_found(store: Store, name: str) -> None:
    with pytest.raises(NotFound):
        await store.consultation(name)
    with pytest.raises(NotFound):
        await store.agent(name)
    assert await store.utterances(name) == []


async def test_there_is_an_agent_from_the_start_and_it_can_be_edited(store: Store) -> None:
    assert await store.agent("default") == Agent(id="default", name="Escuta")
    edited = Agent(
        id="default",
        name="Ana\x00",
        chat_model="gpt",
        language="en",
        sensitivity=0.9,
        prompt="Ouça\ud83e.",
        suggests=(TipKind.RED_FLAG, TipKind.ANSWER),
        to_patient="nothing",
        max_calls=7,
        max_tokens=0,
        sources=("record",),
        shares_names=True,
    )
    await store.save_agent(edited)
    await store.save_agent(Agent(id="second", name="B"))
    assert [agent.id for agent in await store.agents()] == ["default", "second"]
    kept = await store.agent("default")
    assert kept == Agent.model_validate(edited.model_dump() | {"name": "Ana�", "prompt": "Ouça�."})


async def test_titles_take_any_text(store: Store) -> None:
    await store.create_consultation(consultation("consultation-2", title="dor\x00 no peito"))
    assert (await store.consultation("consultation-2")).title == "dor� no peito"


async def test_writing_goes_on_when_a_subscriber_fails(store: Store) -> None:
    heard: list[str] = []

    def fail(state: str, detail: str) -> None:
        raise RuntimeError(detail)

    def hear(state: str, detail: str) -> None:
        heard.append(state)

    store.subscribe_state(fail)
    unsubscribe = store.subscribe_state(hear)
    store.record(CID, said(1, "a" * 5_000_000))
    await keep(store, said(2))
    assert heard == ["failing", "ok"]
    unsubscribe()
    unsubscribe()
    store.record(CID, said(3, "a" * 5_000_000))
    assert heard == ["failing", "ok"]


async def test_closing_writes_what_waits_and_twice_is_harmless(database_url: str, tmp_path: Path) -> None:
    store = await Store.open(database_url, tmp_path / "spool")
    await store.create_consultation(consultation())
    for number in range(500):
        store.record(CID, said(number))
    await store.aclose()
    await store.aclose()
    with psycopg.connect(database_url) as check:
        assert check.execute("SELECT count(*) FROM utterances").fetchone() == (500,)
    assert not any(b"aqui" in path.read_bytes() for path in (tmp_path / "spool").iterdir())
