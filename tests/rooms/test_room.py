"""What a live consultation promises to the people in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from server.media.stats import KindStats
from server.model.audio import OpusPacket
from server.model.consultation import Role
from server.model.errors import (
    ConsultationOver,
    Forbidden,
    InvalidOffer,
    InvalidRequest,
    NotFound,
    RoomFull,
    TooFrequent,
)
from server.model.events import (
    AudioGap,
    ConnectionChanged,
    ConsentChanged,
    ConsultationEnded,
    FinalTranscript,
    InterimTranscript,
    ParticipantAway,
    ParticipantJoined,
    ParticipantLeft,
    QualityChanged,
    SidecarFailed,
    SidecarStateChanged,
    TipMarked,
    TipReady,
)
from server.model.insight import Audience, Tip, TipKind, TipMark
from server.model.recording_events import DiskLow, RecordingRefused, RecordingStarted, RecordingStopped
from server.rooms.seating import QUALITY_REST_S, Seating
from server.speech.port import Final, Gap, Interim

from .fakes import House, join, settle

CLINICIAN, PATIENT = Role.CLINICIAN, Role.PATIENT


@asynccontextmanager
async def living(seating: Seating) -> AsyncIterator[Seating]:
    running = asyncio.create_task(seating.room.run(seating.look))
    await settle()
    try:
        yield seating
    finally:
        seating.room.end("server_stopped")
        await running


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def packet(**changes):
    fields = {"ssrc": 1, "sequence_number": 1, "timestamp": 0, "payload": b"x", "arrival_s": 0.0}
    return OpusPacket(**{**fields, **changes})


def a_tip(**changes):
    fields = {"id": "t1", "kind": TipKind.TIP, "audience": Audience.CLINICIAN, "text": "Ask."}
    return Tip(**{**fields, **changes})


async def test_third_identity_finds_the_room_full_and_the_seat_stays_with_its_holder(house):
    async with living(house.room()) as seating:
        _, first, _ = join(seating, PATIENT, identity="maria")
        with pytest.raises(RoomFull):
            join(seating, PATIENT, identity="eve")
        assert not first.was_replaced
        assert seating.room.seats[PATIENT].identity == "maria"


async def test_same_identity_takes_its_seat_over_and_the_old_socket_is_told(house):
    async with living(house.room()) as seating:
        _, first, _ = join(seating, PATIENT)
        _, second, _ = join(seating, PATIENT)
        assert first.was_replaced
        assert second.of(ParticipantJoined)[-1].returned
        seating.detach(seating.room.seats[PATIENT], first)
        assert seating.room.seats[PATIENT].away_since_s is None


async def test_coming_back_within_the_grace_brings_what_was_missed_and_nothing_else(house):
    async with living(house.room()) as seating:
        seat, connection, _ = join(seating, PATIENT)
        doctor, _, _ = join(seating, CLINICIAN)
        seen = max(sequence for sequence, _ in connection.events)
        seating.detach(seat, connection)
        seating.chat(doctor, "m1", "Are you there?")
        house.time.now_s += 30
        seating.look()
        _, _, missed = join(seating, PATIENT, after=seen)
        assert next(event.type for _, event in missed) == "chat_sent"
        assert "participant_left" not in [event.type for _, event in missed]


async def test_seat_is_given_up_when_the_grace_is_over_and_another_may_sit_there(house):
    async with living(house.room()) as seating:
        seat, connection, _ = join(seating, PATIENT, identity="maria")
        _, doctor, _ = join(seating, CLINICIAN)
        seating.detach(seat, connection)
        house.time.now_s += 61
        seating.look()
        assert doctor.of(ParticipantLeft)[0].reason == "grace_expired"
        join(seating, PATIENT, identity="jose", consent=None)
        assert seat.consent is None, "one person's consent is not another's"


async def test_both_consents_start_recording_and_listening_and_a_withdrawal_stops_both(house):
    async with living(house.room()) as seating:
        patient, seen, _ = join(seating, PATIENT, consent=None)
        join(seating, CLINICIAN)
        await settle()
        seating.room.capture.heard(PATIENT, packet())
        assert not house.recorders
        assert not house.speech.channels
        seating.consent(patient, True)
        await settle()
        seating.room.capture.heard(PATIENT, packet())
        assert len(house.recorders[0].packets) == 1
        assert [len(channel.packets) for channel in house.speech.channels] == [0, 1]
        assert [options.room for options in house.speech.options] == 2 * [seating.room.consultation.id]
        seating.consent(patient, False)
        await settle()
        seating.room.capture.heard(PATIENT, packet())
        assert len(house.recorders[0].packets) == 1
        assert seen.of(RecordingStarted)
        assert seen.of(RecordingStopped)[0].reason == "consent_withdrawn"


async def test_consent_obtained_elsewhere_counts_from_the_start_and_is_noted_as_such(tmp_path):
    house = House(tmp_path, consent="external")
    async with living(house.room()) as seating:
        _, seen, _ = join(seating, PATIENT, consent=False)
        join(seating, CLINICIAN, consent=None)
        await settle()
        assert seating.room.capture.recording
        assert {event.mode for event in seen.of(ConsentChanged)} == {"external"}


async def test_too_little_disk_refuses_to_record_with_a_sentence_but_captions_go_on(house):
    house.free_mb = 10
    async with living(house.room()) as seating:
        _, seen, _ = join(seating, PATIENT)
        join(seating, CLINICIAN)
        await settle()
        assert "10 MB" in seen.of(RecordingRefused)[0].message
        assert not seating.room.capture.recording
        seating.room.capture.heard(PATIENT, packet())
        assert len(house.speech.channels[1].packets) == 1


async def test_shrinking_disk_warns_the_clinician_once_and_stops_before_none_is_left(house):
    async with living(house.room()) as seating:
        _, patient, _ = join(seating, PATIENT)
        _, doctor, _ = join(seating, CLINICIAN)
        await settle()
        house.free_mb = 1500
        seating.look()
        seating.look()
        assert len(doctor.of(DiskLow)) == 1
        assert not patient.of(DiskLow)
        house.free_mb = 100
        seating.look()
        assert doctor.of(RecordingStopped)[0].reason == "disk_full"


async def test_failing_recorder_is_stated_and_the_call_goes_on(house):
    async with living(house.room()) as seating:
        _, seen, _ = join(seating, CLINICIAN)
        join(seating, PATIENT)
        await settle()
        house.recorders[0].on_failure("The disk is slow: 12 packets are lost.")
        await settle()
        assert not seen.of(RecordingStopped)
        house.recorders[0].failed = True
        house.recorders[0].on_failure("The disk is full.")
        await settle()
        assert seen.of(SidecarFailed)[0].sidecar == "recording"
        assert seen.of(RecordingStopped)[0].reason == "failed"
        assert not seating.room.over


async def test_recorder_that_cannot_open_is_a_refusal_not_an_end(house):
    house.recorder_fails = True
    async with living(house.room()) as seating:
        _, seen, _ = join(seating, PATIENT)
        join(seating, CLINICIAN)
        await settle()
        assert seen.of(RecordingRefused)[0].message == "Nothing is recorded: the server cannot write to its disk."
        assert "read-only" not in str(seen.events), "folders of the server are nothing for a patient"
        assert not seating.room.over


async def test_words_become_events_and_an_empty_final_takes_its_interim_away(house):
    async with living(house.room()) as seating:
        _, seen, _ = join(seating, PATIENT)
        join(seating, CLINICIAN)
        await settle()
        say = house.speech.channels[1].on_event
        say(Interim("u1", 0.0, 1.0, "Bom", 0, "pt"))
        say(Final("u1", 0.0, 1.0, "Bom dia.", (), "pt"))
        say(Interim("u2", 2.0, 3.0, "hm", 0, "pt"))
        say(Final("u2", 2.0, 3.0, "", (), "pt"))
        say(Gap(4.0, 5.0))
        assert [event.text for event in seen.of(InterimTranscript)] == ["Bom", "hm", ""]
        assert seen.of(FinalTranscript)[0].utterance.role is PATIENT
        assert len(seen.of(FinalTranscript)) == 1
        assert seen.of(AudioGap)[0].end_s == 5.0
        await settle()
        assert [said.text for said in house.advisors[0].utterances] == ["Bom dia."]
        interim_sequences = {n for n, event in seen.events if isinstance(event, InterimTranscript)}
        assert interim_sequences == {0}
        assert not any(isinstance(event, InterimTranscript) for event in house.store.recorded)


async def test_patient_never_receives_what_is_meant_for_the_clinician_not_even_by_replay(house):
    async with living(house.room()) as seating:
        seat, patient, _ = join(seating, PATIENT)
        _, doctor, _ = join(seating, CLINICIAN)
        advisor = house.advisors[0]
        advisor.on_tip(a_tip())
        advisor.on_tip(a_tip(id="t2", audience=Audience.ALL))
        advisor.on_tip(a_tip(id="t3", audience=Audience.PATIENT))
        advisor.on_state("failing", "timeout")
        seating.room.advice.mark(CLINICIAN, "t1", TipMark.USEFUL)
        assert [event.tip.id for event in doctor.of(TipReady)] == ["t1", "t2", "t3"]
        assert not patient.of(TipReady)
        assert not patient.of(TipMarked)
        assert not patient.of(SidecarStateChanged)
        seating.detach(seat, patient)
        _, _, missed = join(seating, PATIENT, after=0)
        assert not [event for _, event in missed if isinstance(event, TipReady | TipMarked | SidecarStateChanged)]


async def test_only_its_audience_may_mark_a_tip(house):
    async with living(house.room()) as seating:
        house.advisors[0].on_tip(a_tip())
        with pytest.raises(Forbidden):
            seating.room.advice.mark(PATIENT, "t1", TipMark.DISMISSED)
        with pytest.raises(NotFound):
            seating.room.advice.mark(CLINICIAN, "nothing", TipMark.DISMISSED)


async def test_a_crashing_advisor_does_not_end_the_call(house):
    house.advisor_fault = RuntimeError("boom")
    async with living(house.room()) as seating:
        _, seen, _ = join(seating, CLINICIAN)
        await settle()
        assert not seating.room.over
        assert "sidecar_failed" in [event.type for event in house.store.recorded]
        seating.chat(seating.room.seats[CLINICIAN], "m1", "still here")
        assert "chat_sent" in seen.types()


async def test_media_crosses_and_a_returning_peer_takes_over_without_the_other_side_negotiating(house):
    async with living(house.room()) as seating:
        patient, _, _ = join(seating, PATIENT)
        doctor, _, _ = join(seating, CLINICIAN)
        crossing = seating.room.crossing
        assert await crossing.answer(patient, 1, "p1") == "answer to p1"
        await crossing.answer(doctor, 1, "d1")
        first, doctors = house.peers
        assert first.source is doctors
        assert doctors.source is first
        await crossing.answer(patient, 2, "p2")
        await settle()
        second = house.peers[2]
        assert (doctors.source, second.source) == (second, doctors)
        assert first.closed
        assert doctors.offers == 1


async def test_same_number_from_another_socket_is_a_new_peer(house):
    async with living(house.room()) as seating:
        patient, _, _ = join(seating, PATIENT)
        await seating.room.crossing.answer(patient, 1, "p1")
        await seating.room.crossing.answer(patient, 1, "again")
        assert len(house.peers) == 1
        patient, _, _ = join(seating, PATIENT)
        await seating.room.crossing.answer(patient, 1, "other tab")
        assert len(house.peers) == 2


async def test_bad_offer_leaves_the_seat_with_the_peer_it_has(house):
    async with living(house.room()) as seating:
        patient, _, _ = join(seating, PATIENT)
        await seating.room.crossing.answer(patient, 1, "p1")
        with pytest.raises(InvalidOffer):
            await seating.room.crossing.answer(patient, 2, "bad")
        assert patient.peer is house.peers[0]
        assert house.peers[1].closed


async def test_packets_of_a_peer_that_lost_its_seat_are_not_kept(house):
    async with living(house.room()) as seating:
        patient, _, _ = join(seating, PATIENT)
        join(seating, CLINICIAN)
        await settle()
        await seating.room.crossing.answer(patient, 1, "p1")
        await seating.room.crossing.answer(patient, 2, "p2")
        old, new = house.peers
        old.listener.on_audio(packet())
        new.listener.on_audio(packet())
        assert len(house.recorders[0].packets) == 1


async def test_silent_media_is_unstable_after_3_s_lost_after_10_and_connected_when_it_returns(house):
    async with living(house.room()) as seating:
        patient, _, _ = join(seating, PATIENT)
        _, doctor, _ = join(seating, CLINICIAN)
        await seating.room.crossing.answer(patient, 1, "p1")
        peer = house.peers[0]
        seating.media(patient, microphone=True, camera=True, screen=False)
        peer.listener.on_connection_state("connected")
        clock = seating.room.clock
        for silent_s in (1, 3.1, 10.1, 0):
            peer.last_rtp_s = clock.now_s() - silent_s
            seating.look()
        states = [event.state for event in doctor.of(ConnectionChanged) if event.role is PATIENT]
        assert states == ["connected", "unstable", "lost", "connected"]


async def test_the_other_side_alone_learns_how_a_network_does_and_not_too_often(house):
    async with living(house.room()) as seating:
        patient, one, _ = join(seating, PATIENT)
        _, doctor, _ = join(seating, CLINICIAN)
        for bars in (4, 4, 1, 2, 3):
            patient.bars = bars
            seating.look()
        assert [event.bars for event in doctor.of(QualityChanged)] == [4]
        for _ in range(3):
            house.time.now_s += QUALITY_REST_S
            seating.look()
        assert [event.bars for event in doctor.of(QualityChanged)] == [4, 3]
        assert one.of(QualityChanged) == []
        assert not [event for event in house.store.recorded if isinstance(event, QualityChanged)]
        seating.leave(patient)
        assert patient.bars is None


async def test_each_side_learns_whose_way_to_the_server_loses_packets(house):
    async with living(house.room()) as seating:
        seats = [join(seating, role)[0] for role in (PATIENT, CLINICIAN)]
        for seat in seats:
            await seating.room.crossing.answer(seat, 1, "offer")
        patient, doctor = seats
        assert seating.uplink_losses(doctor) == (None, None)
        for lossy in (True, False):
            house.time.now_s += 2
            house.peers[0].video = KindStats(packets_in=90 if lossy else 190, missed=10)
            house.peers[1].video = KindStats(packets_in=100 if lossy else 200)
            seating.uplink_losses(doctor)
            assert seating.uplink_losses(patient) == (0.1 if lossy else 0.05, 0)
            assert seating.uplink_losses(doctor) == (0, 0.1 if lossy else 0.05)
        house.time.now_s += 2
        house.peers[0].video = KindStats(packets_in=5)
        assert seating.uplink_losses(patient)[0] is None, "a new connection counts from zero"
        seating.leave(patient)
        assert seating.uplink_losses(doctor)[1] is None


async def test_the_other_side_learns_how_long_the_seat_of_somebody_away_is_kept(house):
    async with living(house.room()) as seating:
        patient, connection, _ = join(seating, PATIENT)
        _, doctor, _ = join(seating, CLINICIAN)
        seating.detach(patient, connection)
        (away,) = doctor.of(ParticipantAway)
        assert away.kept_until_s == seating.room.clock.now_s() + seating.room.limits.grace_s
        assert away.role is PATIENT
        back, connection, _ = join(seating, PATIENT)
        seating.leave(back)
        seating.detach(back, connection)
        assert len(doctor.of(ParticipantAway)) == 1, "who left is not away"
        assert not [event for event in house.store.recorded if isinstance(event, ParticipantAway)]


async def test_muted_everything_is_not_lost_while_the_heartbeat_comes(house):
    async with living(house.room()) as seating:
        patient, _, _ = join(seating, PATIENT)
        join(seating, CLINICIAN)
        await seating.room.crossing.answer(patient, 1, "p1")
        house.peers[0].listener.on_connection_state("connected")
        house.peers[0].last_rtp_s = 0.0
        house.time.now_s += 60
        patient.heard_s = seating.room.clock.now_s()
        seating.look()
        assert patient.state == "connected"
        house.time.now_s += 30
        seating.look()
        assert patient.state == "lost"


async def test_failed_peer_is_lost_and_closed_and_the_seat_stays(house):
    async with living(house.room()) as seating:
        patient, _, _ = join(seating, PATIENT)
        await seating.room.crossing.answer(patient, 1, "p1")
        house.peers[0].listener.on_connection_state("connected")
        house.peers[0].listener.on_connection_state("failed")
        await settle()
        assert patient.state == "lost"
        assert patient.taken
        assert house.peers[0].closed


async def test_only_the_clinician_ends_for_both(house):
    async with living(house.room()) as seating:
        patient, seen, _ = join(seating, PATIENT)
        doctor, _, _ = join(seating, CLINICIAN)
        with pytest.raises(Forbidden):
            seating.end(patient)
        seating.end(doctor)
        assert seen.of(ConsultationEnded)[0].by is CLINICIAN
        with pytest.raises(ConsultationOver):
            join(seating, PATIENT)


async def test_the_end_closes_peers_drains_speech_closes_the_journal_and_finalizes(house):
    async with living(house.room()) as seating:
        _, seen, _ = join(seating, PATIENT)
        doctor, _, _ = join(seating, CLINICIAN)
        await seating.room.crossing.answer(doctor, 1, "d1")
        await settle()
        house.time.now_s += 12.5
        seating.end(doctor)
        await seating.room.finished.wait()
        assert house.peers[0].closed
        assert all(channel.closed for channel in house.speech.channels)
        assert house.recorders[0].ended_at_s == pytest.approx(12.5)
        assert house.finalized == [house.recorders[0].folder]
        assert seen.is_over
        kinds = [event.type for event in house.store.recorded]
        assert kinds.index("consultation_ended") < kinds.index("recording_finalized")


async def test_a_room_nobody_is_in_ends_as_idle_and_one_too_long_ends_too(house):
    async with living(house.room()) as seating:
        house.time.now_s += 299
        seating.look()
        assert not seating.room.over
        house.time.now_s += 2
        seating.look()
        assert seating.room.over
    long = House(house.settings.recordings_dir)
    async with living(long.room()) as seating:
        join(seating, CLINICIAN)
        long.time.now_s += 90 * 60
        seating.room.seats[CLINICIAN].heard_s = seating.room.clock.now_s()
        seating.look()
        assert not seating.room.over
        long.time.now_s += 4 * 3600
        seating.look()
        assert seating.room.over


async def test_leaving_frees_the_seat_at_once(house):
    async with living(house.room()) as seating:
        patient, _, _ = join(seating, PATIENT, identity="maria")
        _, doctor, _ = join(seating, CLINICIAN)
        await seating.room.crossing.answer(patient, 1, "p1")
        seating.leave(patient)
        await settle()
        assert doctor.of(ParticipantLeft)[0].reason == "left"
        assert house.peers[0].closed
        join(seating, PATIENT, identity="jose")


async def test_an_advisor_that_cannot_start_costs_the_tips_not_the_consultation(house):
    def broken(*_):
        raise FileNotFoundError("pt.toml")

    house._create_advisor = broken
    async with living(house.room()) as seating:
        _, seen, missed = join(seating, CLINICIAN)
        join(seating, PATIENT)
        await settle()
        assert "sidecar_failed" in [event.type for _, event in missed]
        assert seen.of(RecordingStarted)


async def test_a_disk_that_cannot_be_asked_ends_nothing(house):
    async with living(house.room()) as seating:
        _, seen, _ = join(seating, PATIENT)
        join(seating, CLINICIAN)
        await settle()
        house.free_mb = -1
        with pytest.raises(OSError, match="Input/output"):
            seating.look()
        assert not seating.room.over
        assert seen.of(RecordingStarted)
    refused = House(house.settings.recordings_dir)
    refused.free_mb = -1
    async with living(refused.room()) as seating:
        _, seen, _ = join(seating, PATIENT)
        join(seating, CLINICIAN)
        await settle()
        assert seen.of(RecordingRefused)


async def test_a_failing_look_is_counted_and_the_room_goes_on(house, monkeypatch):
    monkeypatch.setattr("server.rooms.room.LOOK_EVERY_S", 0)
    seating = house.room()

    def look() -> None:
        raise OSError("disk")

    running = asyncio.create_task(seating.room.run(look))
    await settle()
    assert seating.room.failed_looks > 1
    seating.room.end("server_stopped")
    await running


async def test_a_withdrawal_takes_effect_while_the_disk_hangs(house):
    house.disk = asyncio.Event()
    async with living(house.room()) as seating:
        patient, seen, _ = join(seating, PATIENT)
        join(seating, CLINICIAN)
        await settle()
        seating.consent(patient, False)
        seating.room.capture.heard(PATIENT, packet())
        assert not house.speech.channels[1].packets
        house.disk.set()
        await settle()
        assert not seen.of(RecordingStarted)
        assert all(channel.closed for channel in house.speech.channels)


async def test_consent_given_again_after_a_dead_disk_opens_the_journal_anew(house):
    async with living(house.room()) as seating:
        patient, seen, _ = join(seating, PATIENT)
        join(seating, CLINICIAN)
        await settle()
        house.recorders[0].failed = True
        house.recorders[0].on_failure("The disk is full.")
        seating.consent(patient, False)
        house.time.now_s += 3
        seating.consent(patient, True)
        await settle()
        assert "close" in house.recorders[0].calls
        seating.room.capture.heard(PATIENT, packet())
        assert len(house.recorders[1].packets) == 1
        assert len(seen.of(RecordingStarted)) == 2


async def test_consent_cannot_flicker_but_can_always_be_withdrawn(house):
    async with living(house.room()) as seating:
        patient, _, _ = join(seating, PATIENT)
        join(seating, CLINICIAN)
        await settle()
        seating.consent(patient, False)
        with pytest.raises(TooFrequent):
            seating.consent(patient, True)
        assert not seating.room.capture.listening
        house.time.now_s += 2
        seating.consent(patient, True)
        seating.consent(patient, False)
        await settle()
        assert all(channel.closed for channel in house.speech.channels)


async def test_joining_again_with_consent_right_after_a_withdrawal_is_no_fault(house):
    async with living(house.room()) as seating:
        patient, connection, _ = join(seating, PATIENT)
        seating.consent(patient, False)
        seating.detach(patient, connection)
        join(seating, PATIENT, consent=True)
        assert patient.consent is True


async def test_an_offer_of_a_socket_that_was_replaced_meanwhile_gets_no_seat(house):
    house.peers_answer = asyncio.Event()
    async with living(house.room()) as seating:
        patient, _, _ = join(seating, PATIENT)
        first = asyncio.create_task(seating.room.crossing.answer(patient, 1, "first page"))
        await settle()
        join(seating, PATIENT)
        second = asyncio.create_task(seating.room.crossing.answer(patient, 1, "second page"))
        await settle()
        house.peers_answer.set()
        assert await second == "answer to second page"
        with pytest.raises(InvalidRequest):
            await first
        assert house.peers[0].closed
        assert patient.peer is house.peers[1]


async def test_an_offer_still_being_answered_at_the_end_leaves_no_peer_behind(house):
    house.peers_answer = asyncio.Event()
    async with living(house.room()) as seating:
        patient, _, _ = join(seating, PATIENT)
        offer = asyncio.create_task(seating.room.crossing.answer(patient, 1, "late"))
        await settle()
        seating.room.end("ended_by_api")
        await settle()
        house.peers_answer.set()
        with pytest.raises(ConsultationOver):
            await offer
        assert house.peers[0].closed
        seating.leave(patient)
        await seating.room.finished.wait()


async def test_a_live_store_that_breaks_is_stated_and_the_call_goes_on(house):
    async def broken(*_):
        raise ValueError("not expected of a store")

    house.live.append = broken
    async with living(house.room()) as seating:
        join(seating, PATIENT)
        await settle()
        assert not seating.room.over
        assert "sidecar_failed" in [event.type for event in house.store.recorded]


async def test_the_end_of_a_call_waits_for_a_backlog_of_speech_and_the_end_of_the_server_does_not(house):
    async with living(house.room()) as seating:
        join(seating, PATIENT)
        doctor, _, _ = join(seating, CLINICIAN)
        await settle()
        seating.end(doctor)
        await seating.room.finished.wait()
    assert {channel.waited_most_s for channel in house.speech.channels} == {600.0}
    stopped = House(house.settings.recordings_dir)
    async with living(stopped.room()) as seating:
        join(seating, PATIENT)
        join(seating, CLINICIAN)
        await settle()
        seating.room.end("server_stopped")
        await seating.room.finished.wait()
    assert {channel.waited_most_s for channel in stopped.speech.channels} == {10.0}


async def test_a_server_that_stops_hurries_a_backlog_that_is_being_waited_for(house):
    async with living(house.room()) as seating:
        join(seating, PATIENT)
        doctor, _, _ = join(seating, CLINICIAN)
        await settle()
        for channel in house.speech.channels:
            channel.backlog = asyncio.Event()
        seating.end(doctor)
        await settle()
        assert not seating.room.finished.is_set()
        assert house.recorders[0].calls[-1] == "close"
        seating.room.end("server_stopped")
        await seating.room.finished.wait()
