"""What is named in a room: found beside the captions, for the clinician alone, and there again after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from server.insight.entities.port import Passage
from server.insight.entities.rules import RuleExtractor
from server.insight.extraction import ExtractionOptions
from server.model.consultation import ConsultationStatus, Role
from server.model.entities import Assertion, Entity
from server.model.events import EntitiesFound, FinalTranscript, SidecarFailed, SidecarStateChanged
from server.model.transcript import Utterance
from server.rooms.registry import Registry
from server.speech.port import Final

from .fakes import OPENED_AT, House, a_consultation, join, settle
from .test_room import living

CLINICIAN, PATIENT = Role.CLINICIAN, Role.PATIENT
ASKED = Utterance(id="u1", role=CLINICIAN, start_s=1, end_s=2, text="O senhor tem febre?", language="pt")
DENIED = Utterance(id="u2", role=PATIENT, start_s=3, end_s=4, text="Não, só dor de cabeça.", language="pt")


class Stuck:
    """An extractor that waits for ever, or fails."""

    name = "stuck"

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault

    async def extract(self, passage: Passage) -> Sequence[Entity]:
        if self.fault is not None:
            raise self.fault
        await asyncio.Event().wait()
        return ()

    async def aclose(self) -> None:
        return


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def stand(events) -> dict[str, Assertion]:
    return {entity.text: entity.assertion for event in events for entity in event.entities}


def say(house: House, *utterances: Utterance) -> None:
    for said in utterances:
        channel = house.speech.channels[0 if said.role is CLINICIAN else 1]
        channel.on_event(Final(said.id, said.start_s, said.end_s, said.text, (), said.language))


async def both(seating):
    """Take both seats, the clinician's first: its channel is the first one of speech recognition."""
    _, doctor, _ = join(seating, CLINICIAN)
    await settle()
    seat, patient, _ = join(seating, PATIENT)
    await settle()
    return doctor, seat, patient


async def test_what_a_final_names_follows_it_and_an_answer_settles_what_was_asked(house):
    async with living(house.room()) as seating:
        doctor, _, _ = await both(seating)
        say(house, ASKED)
        await settle()
        assert stand(doctor.of(EntitiesFound)) == {"febre": Assertion.ASKED}
        say(house, DENIED)
        await settle()
        first, second = doctor.of(EntitiesFound)
        assert (first.utterance_id, second.utterance_id) == ("u1", "u2")
        assert stand([second]) == {"dor de cabeça": Assertion.AFFIRMED, "febre": Assertion.NEGATED}
        assert doctor.types().index("final_transcript") < doctor.types().index("entities_found")
        assert stand([first, second]) == {one.text: one.assertion for one in seating.room.annotation.entities}
    assert [event.utterance_id for event in house.store.recorded if isinstance(event, EntitiesFound)] == ["u1", "u2"]


async def test_the_patient_never_receives_what_was_found_not_even_by_replay(house):
    async with living(house.room()) as seating:
        doctor, seat, patient = await both(seating)
        say(house, ASKED, DENIED)
        await settle()
        assert doctor.of(EntitiesFound)
        assert patient.of(FinalTranscript)
        assert not patient.of(EntitiesFound)
        seating.detach(seat, patient)
        _, again, missed = join(seating, PATIENT, after=0)
        assert "final_transcript" in [event.type for _, event in missed]
        assert not [event for _, event in missed if isinstance(event, EntitiesFound)]
        assert not again.of(EntitiesFound)


async def test_an_utterance_that_names_nothing_states_nothing(house):
    async with living(house.room()) as seating:
        doctor, _, _ = await both(seating)
        say(house, DENIED.model_copy(update={"text": "Bom dia, tudo bem?"}))
        await settle()
        assert not doctor.of(EntitiesFound)


async def test_a_question_that_is_heard_after_its_answer_is_settled_all_the_same(house):
    async with living(house.room()) as seating:
        doctor, _, _ = await both(seating)
        say(house, DENIED)
        await settle()
        say(house, ASKED)
        await settle()
        assert stand(doctor.of(EntitiesFound))["febre"] is Assertion.NEGATED


async def test_a_stuck_model_delays_no_caption_and_the_last_words_are_read_by_the_rules_at_the_end(house, monkeypatch):
    monkeypatch.setattr("server.insight.extraction.LAST_S", 0.01)
    house.extraction = ExtractionOptions(Stuck(), RuleExtractor(), timeout_s=60)
    async with living(house.room()) as seating:
        doctor, _, _ = await both(seating)
        say(house, ASKED)
        await settle()
        assert doctor.of(FinalTranscript)
        assert not doctor.of(EntitiesFound)
        say(house, DENIED)
    assert (
        stand(event for event in house.store.recorded if isinstance(event, EntitiesFound))["febre"] is Assertion.NEGATED
    )


async def test_a_failing_model_is_told_to_the_clinician_and_the_rules_stand_in(house):
    house.extraction = ExtractionOptions(Stuck(RuntimeError("boom")), RuleExtractor())
    async with living(house.room()) as seating:
        doctor, _, patient = await both(seating)
        say(house, ASKED)
        await settle()
        assert [(event.sidecar, event.state) for event in doctor.of(SidecarStateChanged)] == [("entities", "failing")]
        assert doctor.of(EntitiesFound)[0].provider == "rules"
        assert not patient.of(SidecarStateChanged)


async def test_an_annotator_that_cannot_start_costs_the_marks_not_the_consultation(house):
    def broken(*_):
        raise FileNotFoundError("symptoms.tsv")

    house._create_annotator = broken
    async with living(house.room()) as seating:
        _, doctor, missed = join(seating, CLINICIAN)
        _, patient, patient_missed = join(seating, PATIENT)
        await settle()
        say(house, ASKED)
        await settle()
        assert [event.sidecar for _, event in missed if isinstance(event, SidecarFailed)] == ["entities"]
        assert "sidecar_failed" not in [event.type for _, event in patient_missed]
        assert doctor.of(FinalTranscript)
        assert patient.of(FinalTranscript)


def left_live(house: House, *utterances: Utterance) -> None:
    house.store.said = list(utterances)
    house.store.consultations_by_id["consultation-1"] = a_consultation(
        status=ConsultationStatus.LIVE, opened_at=OPENED_AT
    )


async def found_before(*utterances: Utterance) -> list[Entity]:
    passage = Passage(utterances, frozenset(one.id for one in utterances))
    return list({one.id: one for one in await RuleExtractor().extract(passage)}.values())


async def test_a_restart_brings_back_what_was_found_behind_the_words_that_name_it(house):
    left_live(house, ASKED, DENIED)
    house.store.named = await found_before(ASKED, DENIED)
    async with Registry(house.services()) as registry:
        await registry.resume()
        seating = await registry.seating("consultation-1")
        _, _, missed = join(seating, CLINICIAN)
        found = [event for _, event in missed if isinstance(event, EntitiesFound)]
        assert stand(found) == {"febre": Assertion.NEGATED, "dor de cabeça": Assertion.AFFIRMED}
        assert [event.type for _, event in missed][:2] == ["final_transcript", "final_transcript"]
        _, _, seen = join(seating, PATIENT)
        assert "entities_found" not in [event.type for _, event in seen]
        await settle()
        say_nothing_new = [event for event in house.store.recorded if isinstance(event, EntitiesFound)]
        assert not say_nothing_new


async def test_an_answer_after_a_restart_settles_what_was_asked_before_it(house):
    left_live(house, ASKED)
    house.store.named = await found_before(ASKED)
    async with Registry(house.services()) as registry:
        await registry.resume()
        seating = await registry.seating("consultation-1")
        doctor, _, _ = await both(seating)
        say(house, DENIED)
        await settle()
        assert stand(doctor.of(EntitiesFound))["febre"] is Assertion.NEGATED


async def test_words_that_a_crash_left_unread_are_read_after_it(house):
    left_live(house, ASKED, DENIED)
    async with Registry(house.services()) as registry:
        await registry.resume()
        await settle()
        recorded = [event for event in house.store.recorded if isinstance(event, EntitiesFound)]
        assert stand(recorded) == {"febre": Assertion.NEGATED, "dor de cabeça": Assertion.AFFIRMED}


async def test_a_mirror_that_lacks_what_was_found_is_not_trusted(house):
    left_live(house, ASKED, DENIED)
    house.store.named = await found_before(ASKED, DENIED)
    for sequence, said in enumerate((ASKED, DENIED), start=1):
        await house.live.append("consultation-1", sequence, FinalTranscript(at_s=said.end_s, utterance=said))
    async with Registry(house.services()) as registry:
        await registry.resume()
        _, _, missed = join(await registry.seating("consultation-1"), CLINICIAN)
        assert stand(event for _, event in missed if isinstance(event, EntitiesFound))["febre"] is Assertion.NEGATED
