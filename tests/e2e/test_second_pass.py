"""From a finished recording to the final transcript, through the real database and a real process."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from server.insight.entity_service import EntityService
from server.model.consultation import Role
from server.model.recording_events import RecordingFile, RecordingFinalized
from server.recording.manifest import MANIFEST_NAME, Interval, Manifest, ParticipantAudio
from server.rooms import second_passes
from server.rooms.second_passes import Readers, SecondPasses
from server.settings import Settings
from server.speech.second_pass import read_again
from server.storage.store import Store
from tests.storage.facts import CID, OPENED_AT, consultation, said

PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_EVERY_S", "LOOK_WHILE_READING_S", "REST_AFTER_FAILURE_S"):
        monkeypatch.setattr(second_passes, name, 0.1)


def recorded(folder: Path) -> RecordingFile:
    """Write a second of silence and nine tenths of a tone, as a recording holds them."""
    folder.mkdir(parents=True)
    time_s = np.arange(91_200) / 48_000
    sound = np.where(time_s < 1.0, 0.0, 0.3 * np.sin(2 * np.pi * 220 * time_s))
    with wave.open(str(folder / "patient.wav"), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes((np.concatenate([sound, np.zeros(48_000)]) * 32_767).astype("<i2").tobytes())
    size = (folder / "patient.wav").stat().st_size
    file = RecordingFile(
        name="patient.wav",
        role=Role.PATIENT,
        format="wav",
        start_s=0.0,
        duration_s=2.9,
        size_bytes=size,
        sha256="0" * 64,
    )
    account = dict.fromkeys(("connections", "packets", "lost", "duplicates", "invalid", "dropped", "not_kept"), 0)
    manifest = Manifest(
        consultation_id=folder.name,
        opened_at=OPENED_AT,
        duration_s=2.9,
        closed=True,
        recorded=(Interval(start_s=0.0, end_s=2.9),),
        participants=(ParticipantAudio(role=Role.PATIENT, start_s=0.0, gaps=(), **account),),
        files=(file,),
    )
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json())
    return file


async def until_done(store: Store) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await store.second_pass(CID) != "done":  # noqa: ASYNC110 - the database announces nothing
            await asyncio.sleep(0.1)


async def test_a_recording_becomes_a_final_transcript_though_the_server_dies_meanwhile(
    database_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        _env_file=None,
        data_dir=tmp_path / "data",
        recordings_dir=tmp_path / "recordings",
        speech_provider="scripted",
        min_free_disk_mb=10,
    )
    store = await Store.open(database_url, tmp_path / "spool")
    await store.create_consultation(consultation())
    store.record(CID, said(1, "tou com do"))
    store.record(CID, RecordingFinalized(at_s=3.0, files=(recorded(settings.recordings_dir / CID),)))
    assert await store.settled(PATIENCE_S)

    def again(anyone_here: Callable[[], bool]) -> SecondPasses:
        return SecondPasses(
            settings, store, Readers(read_again, EntityService(settings).of), anyone_here, lambda _: True
        )

    calls = iter([False])
    async with again(lambda: next(calls, True)):  # a call begins as soon as reading does: it stands still
        await asyncio.sleep(2.0)
    assert await store.second_pass(CID) == "waiting"
    await store.aclose()

    store = await Store.open(database_url, tmp_path / "spool")
    async with again(lambda: False):
        await until_done(store)
    assert [spoken.text for spoken in await store.utterances(CID, "final")] == ["estou com dor"]
    assert [spoken.text for spoken in await store.utterances(CID, "live")] == ["tou com do"]
    assert [entity.text for entity in await store.entities(CID, "final")] == ["dor"]
    assert await store.entities(CID, "live") == []
    await store.aclose()
