"""Which rooms are open, and what a restart makes of those that were."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from server.model.consultation import ConsultationStatus, Participant, Role
from server.model.errors import ConsultationOver, DatabaseUnavailable, NotFound, Unavailable
from server.model.events import ConsultationEnded, FinalTranscript
from server.model.transcript import Utterance
from server.rooms.registry import Registry

from .fakes import OPENED_AT, House, a_consultation, join, settle


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


async def test_first_to_come_opens_the_room_and_it_stays_the_same_room(house):
    async with Registry(house.services()) as registry:
        first = await registry.seating("consultation-1")
        assert await registry.seating("consultation-1") is first
        assert registry.live_ids() == ["consultation-1"]
        assert house.store.recorded[0].type == "consultation_opened"


async def test_unknown_and_ended_consultations_have_no_room(house):
    house.store.consultations_by_id["consultation-2"] = a_consultation(id="consultation-2", status="ended")
    async with Registry(house.services()) as registry:
        with pytest.raises(NotFound):
            await registry.seating("consultation-9")
        with pytest.raises(ConsultationOver):
            await registry.seating("consultation-2")


async def test_an_open_room_can_be_joined_while_the_database_is_away(house):
    async with Registry(house.services()) as registry:
        first = await registry.seating("consultation-1")
        house.store.away = True
        assert await registry.seating("consultation-1") is first
        with pytest.raises(DatabaseUnavailable):
            await registry.seating("consultation-2")


async def test_an_ended_room_is_not_brought_back_from_a_stale_row(house):
    async with Registry(house.services()) as registry:
        seating = await registry.seating("consultation-1")
        house.store.consultations_by_id["consultation-1"] = a_consultation(status="live", opened_at=OPENED_AT)
        await registry.end("consultation-1", "ended_by_api")
        await seating.room.finished.wait()
        await settle()
        with pytest.raises(ConsultationOver):
            await registry.seating("consultation-1")


async def test_leaving_the_registry_ends_every_room_and_waits_for_its_recording(house):
    async with Registry(house.services()) as registry:
        seating = await registry.seating("consultation-1")
        join(seating, Role.CLINICIAN)
        join(seating, Role.PATIENT)
        await settle()
    assert house.finalized
    ended = [event for event in house.store.recorded if isinstance(event, ConsultationEnded)]
    assert ended[0].reason == "server_stopped"


async def test_a_restart_brings_back_live_rooms_with_their_words_consents_and_clock(house):
    said = Utterance(id="u1", role=Role.PATIENT, start_s=1, end_s=2, text="Bom dia.", language="pt")
    house.store.said = [said]
    house.store.people = [Participant(role=Role.PATIENT, identity="patient", name="Maria", consent=True)]
    house.store.consultations_by_id["consultation-1"] = a_consultation(
        status=ConsultationStatus.LIVE, opened_at=OPENED_AT
    )
    async with Registry(house.services()) as registry:
        await registry.resume()
        seating = await registry.seating("consultation-1")
        seat, _, missed = join(seating, Role.PATIENT, consent=None, after=4711)
        assert [event.utterance.text for _, event in missed if isinstance(event, FinalTranscript)] == ["Bom dia."]
        assert seat.consent is True
        assert seating.room.clock.opened_at == OPENED_AT


async def test_a_resumed_room_nobody_returns_to_is_abandoned_and_its_journal_recovered(tmp_path):
    house = House(tmp_path, reconnect_grace_s=0.0, max_duration_s=1e9)
    house.store.consultations_by_id["consultation-1"] = a_consultation(
        status=ConsultationStatus.LIVE, opened_at=OPENED_AT
    )
    (tmp_path / "consultation-1").mkdir()
    async with Registry(house.services()) as registry:
        await registry.resume()
        seating = await registry.seating("consultation-1")
        seating.look()
        await seating.room.finished.wait()
    assert house.recovered == [tmp_path / "consultation-1"]
    ended = [event for event in house.store.recorded if isinstance(event, ConsultationEnded)]
    assert [event.reason for event in ended] == ["abandoned"]


async def test_what_a_crash_left_unfinished_is_finished_at_the_start(house, tmp_path):
    house.left_over = [tmp_path / "consultation-8"]
    async with Registry(house.services()) as registry:
        await registry.resume()
        await settle()
    assert house.recovered == [tmp_path / "consultation-8"]
    assert house.store.recorded[-1].type == "recording_finalized"


async def test_only_what_this_process_owns_is_brought_back_finished_joined_or_ended(house, tmp_path):
    for number in (1, 2):
        house.store.consultations_by_id[f"consultation-{number}"] = a_consultation(
            id=f"consultation-{number}", status=ConsultationStatus.LIVE, opened_at=OPENED_AT
        )
    house.left_over = [tmp_path / f"consultation-{number}" for number in (2, 3, 4)]
    house.done_before = [tmp_path / f"consultation-{number}" for number in (5, 6)]
    ours = {"consultation-1", "consultation-3", "consultation-5"}
    async with Registry(replace(house.services(), owns=ours.__contains__)) as registry:
        await registry.resume()
        assert registry.live_ids() == ["consultation-1"]
        for refused in (registry.seating("consultation-2"), registry.end("consultation-2", "ended_by_api")):
            with pytest.raises(Unavailable):
                await refused
        await settle()
    assert [folder.name for folder in house.recovered] == ["consultation-3", "consultation-5"]


async def test_ending_a_consultation_nobody_has_joined_is_noted(house):
    async with Registry(house.services()) as registry:
        await registry.end("consultation-1", "ended_by_api")
        with pytest.raises(ConsultationOver):
            await registry.seating("consultation-1")
    assert house.store.recorded[0].type == "consultation_ended"


async def test_a_recording_finished_elsewhere_is_noted_at_the_start_and_only_once(house, tmp_path):
    house.done_before = [tmp_path / "consultation-7", tmp_path / "consultation-8"]
    house.store.noted = ["consultation-7"]
    async with Registry(house.services()) as registry:
        await registry.resume()
        await settle()
    assert house.recovered == [tmp_path / "consultation-8"]
    assert [event.type for event in house.store.recorded] == ["recording_finalized"]


async def test_an_error_of_the_body_stays_what_it_is_and_rooms_still_end(house):
    rooms = []

    async def serve() -> None:
        async with Registry(house.services()) as registry:
            rooms.append((await registry.seating("consultation-1")).room)
            raise LookupError("port in use")

    with pytest.raises(LookupError, match="port in use"):
        await serve()
    assert rooms[0].finished.is_set()


async def test_ending_while_somebody_opens_the_room_ends_it(house):
    async with Registry(house.services()) as registry:
        opening = asyncio.create_task(registry.seating("consultation-1"))
        await asyncio.sleep(0)
        await registry.end("consultation-1", "ended_by_api")
        with suppress(ConsultationOver):
            await opening
        assert registry.live_ids() == []
        with pytest.raises(ConsultationOver):
            await registry.seating("consultation-1")


async def test_asking_for_what_does_not_exist_leaves_nothing_behind(house):
    async with Registry(house.services()) as registry:
        for number in range(20):
            with pytest.raises(NotFound):
                await registry.seating(f"consultation-{number + 20}")
        assert not registry._opening


async def test_a_consultation_that_cannot_be_brought_back_does_not_keep_the_server_from_starting(house):
    async def broken(_: str):
        raise DatabaseUnavailable

    house.store.consultations_by_id["consultation-1"] = a_consultation(status="live", opened_at=OPENED_AT)
    house.store.utterances = broken
    async with Registry(house.services()) as registry:
        await registry.resume()
        assert registry.failed_rooms == 1
        assert registry.live_ids() == []
    assert not house.store.recorded, "it stays live for the next start"


async def test_after_a_restart_a_browser_gets_what_it_missed_whatever_number_it_had(house):
    house.store.said = [
        Utterance(id=f"u{n}", role=Role.PATIENT, start_s=n, end_s=n + 1, text=f"{n}", language="pt") for n in range(5)
    ]
    house.store.consultations_by_id["consultation-1"] = a_consultation(status="live", opened_at=OPENED_AT)
    async with Registry(house.services()) as registry:
        seating = await registry.seating("consultation-1")
        _, _, missed = join(seating, Role.PATIENT, after=3)
        assert [event.utterance.text for _, event in missed if isinstance(event, FinalTranscript)] == list("01234")


async def test_after_a_restart_the_live_stores_numbering_goes_on_when_it_has_everything(house):
    said = Utterance(id="u1", role=Role.PATIENT, start_s=1, end_s=2, text="Bom dia.", language="pt")
    house.store.said = [said]
    await house.live.append("consultation-1", 1, ConsultationEnded(at_s=0, reason="idle"))
    await house.live.append("consultation-1", 2, FinalTranscript(at_s=2, utterance=said))
    house.store.consultations_by_id["consultation-1"] = a_consultation(status="live", opened_at=OPENED_AT)
    async with Registry(house.services()) as registry:
        seating = await registry.seating("consultation-1")
        assert seating.room.recent.sequence == 2
        _, _, missed = join(seating, Role.PATIENT, after=1)
        assert [event.type for _, event in missed] == ["final_transcript"]
