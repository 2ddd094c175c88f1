"""The second pass waits in the database until its transcript is kept, exactly once."""

from pathlib import Path

import psycopg

from server.model.consultation import Role
from server.model.recording_events import RecordingFinalized
from server.model.transcript import Utterance, Word
from server.storage.second_passes import MOST_FAILURES
from server.storage.store import Store

from .facts import CID, consultation, recording, said

PATIENCE_S = 30.0
WORDS = (Word(text="dói", start_s=1.0, end_s=1.4), Word(text="aqui\x00", start_s=1.4, end_s=2.0))
BETTER = Utterance(
    id="u1",
    role=Role.PATIENT,
    start_s=1.0,
    end_s=2.0,
    text="dói aqui\x00",
    words=WORDS,
    language="pt",
    provider="whisper",
)


async def recorded(store: Store, consultation_id: str = CID, name: str = "patient.wav") -> None:
    store.record(consultation_id, RecordingFinalized(at_s=9.0, files=(recording(name, Role.PATIENT),)))
    assert await store.settled(PATIENCE_S)


async def test_a_finished_recording_waits_for_its_second_pass_even_after_a_restart(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    assert await store.second_pass(CID) == "none"
    await recorded(store)
    await recorded(store)
    await store.aclose()
    again = await Store.open(database_url, tmp_path / "spool")
    assert await again.second_passes.waiting() == [CID]
    assert await again.second_pass(CID) == "waiting"
    await again.aclose()


async def test_a_recording_without_sound_to_read_waits_for_nothing(store: Store) -> None:
    await recorded(store, name="patient.ogg")
    assert await store.second_passes.waiting() == []


async def test_live_and_final_transcripts_are_both_kept(store: Store) -> None:
    store.record(CID, said(1, "doi a ki"))
    await recorded(store)
    assert await store.second_passes.keep(CID, [BETTER])
    assert [spoken.text for spoken in await store.utterances(CID)] == ["doi a ki"]
    final = await store.utterances(CID, "final")
    assert [spoken.text for spoken in final] == ["dói aqui\ufffd"]
    assert [word.text for word in final[0].words] == ["dói", "aqui\ufffd"]
    assert (await store.second_pass(CID), await store.second_passes.waiting()) == ("done", [])


async def test_a_transcript_that_comes_twice_is_kept_once(store: Store) -> None:
    await recorded(store)
    assert await store.second_passes.keep(CID, [BETTER])
    assert not await store.second_passes.keep(CID, [BETTER.model_copy(update={"text": "other"})])
    assert len(await store.utterances(CID, "final")) == 1
    await recorded(store)
    assert await store.second_pass(CID) == "done"


async def test_a_second_pass_that_keeps_failing_is_given_up_and_holds_up_no_other(store: Store) -> None:
    await store.create_consultation(consultation("consultation-2"))
    await recorded(store)
    await recorded(store, "consultation-2")
    await store.second_passes.note_failure(CID)
    assert await store.second_passes.waiting() == ["consultation-2", CID]
    for _ in range(MOST_FAILURES - 1):
        await store.second_passes.note_failure(CID)
    assert await store.second_passes.waiting() == ["consultation-2"]
    assert await store.second_pass(CID) == "failed"
    assert not await store.second_passes.keep(CID, [BETTER])


async def test_consultations_from_before_have_a_live_transcript_and_wait_for_nothing(
    store: Store, database_url: str
) -> None:
    store.record(CID, said(1))
    assert await store.settled(PATIENCE_S)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT edition FROM utterances").fetchall() == [("live",)]
    assert await store.second_passes.waiting() == []


async def test_a_transcript_of_a_part_of_the_call_says_so(store: Store) -> None:
    await recorded(store)
    assert await store.second_passes.keep(CID, [BETTER], partial=True)
    assert (await store.second_pass(CID), await store.second_passes.waiting()) == ("partial", [])
    assert len(await store.utterances(CID, "final")) == 1


async def test_what_cannot_be_read_any_more_is_given_up_at_once(store: Store) -> None:
    await recorded(store)
    await store.second_passes.give_up(CID)
    assert (await store.second_passes.waiting(), await store.second_passes.failed()) == ([], [CID])
    assert not await store.second_passes.keep(CID, [BETTER])


async def test_a_consultation_deleted_meanwhile_is_not_brought_back_by_its_transcript(
    store: Store, database_url: str
) -> None:
    await recorded(store)
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM consultations")
    assert await store.second_passes.waiting() == []
    assert not await store.second_passes.keep(CID, [BETTER])
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM utterances").fetchall() == [(0,)]
