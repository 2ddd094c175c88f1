"""Recordings: only what was finalized, only whole names, any part of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.model.recording_state import FAILED, NOTHING_RECORDED, READY, RECORDING, RecordingState

from .conftest import House
from .fakes import CONSULTATION, RECORDED_BYTES

FILES = f"/api/consultations/{CONSULTATION}/recordings"


async def test_the_finalized_files_are_listed(house: House) -> None:
    files = (await (await house.call("GET", FILES, "clinician")).json())["files"]
    assert {file["name"] for file in files} == {"clinician.ogg", "clinician.wav", "patient.ogg", "patient.wav"}


@pytest.mark.parametrize(("name", "content_type"), [("patient.ogg", "audio/ogg"), ("clinician.wav", "audio/wav")])
async def test_a_file_is_downloaded_whole_and_kept_by_no_cache(house: House, name: str, content_type: str) -> None:
    answer = await house.call("GET", f"{FILES}/{name}", "clinician")
    assert (answer.status, await answer.read()) == (200, RECORDED_BYTES)
    assert answer.content_type == content_type
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{CONSULTATION}-{name}"'


@pytest.mark.parametrize(
    ("range_", "part"),
    [("bytes=0-9", RECORDED_BYTES[:10]), ("bytes=1000-", RECORDED_BYTES[1000:]), ("bytes=-5", RECORDED_BYTES[-5:])],
)
async def test_a_range_gets_its_part(house: House, range_: str, part: bytes) -> None:
    answer = await house.call("GET", f"{FILES}/patient.wav", "clinician", headers={"Range": range_})
    assert (answer.status, await answer.read()) == (206, part)
    assert answer.headers["Content-Range"].endswith(f"/{len(RECORDED_BYTES)}")


@pytest.mark.parametrize("range_", ["bytes=5000-", "bytes=9-1", "lines=1-2", "bytes=a-b", "bytes=0-1,3-4", "bytes=--1"])
async def test_a_range_that_cannot_be_served_is_refused_in_order(house: House, range_: str) -> None:
    answer = await house.call("GET", f"{FILES}/patient.wav", "clinician", headers={"Range": range_})
    assert answer.status == 416


@pytest.mark.parametrize(
    "name",
    [
        "journal.bin",
        "manifest.json",
        "..",
        "../../../etc/passwd",
        "..%2fpatient.wav",
        "%2e%2e%2fpatient.wav",
        "..%5cpatient.wav",
        "%2fetc%2fpasswd",
        "patient.wav%00",
        "patient.wav%00.ogg",
        "./patient.ogg%2f..%2fjournal.bin",
        "PATIENT.WAV",
        "patient.wav/",
        "",
    ],
)
async def test_no_other_name_reaches_a_file(house: House, name: str) -> None:
    answer = await house.call("GET", f"{FILES}/{name}")
    assert answer.status == 404
    assert b"not for download" not in await answer.read()


async def test_a_link_in_place_of_a_file_is_not_followed(house: House, recordings_dir: Path) -> None:
    file = recordings_dir / CONSULTATION / "patient.wav"
    file.unlink()
    file.symlink_to(recordings_dir / CONSULTATION / "journal.bin")
    assert (await house.call("GET", f"{FILES}/patient.wav")).status == 404


async def test_a_file_that_is_gone_from_disk_is_not_found(house: House, recordings_dir: Path) -> None:
    (recordings_dir / CONSULTATION / "patient.wav").unlink()
    answer = await house.call("GET", f"{FILES}/patient.wav")
    assert answer.status == 404
    assert "no longer" in (await answer.json())["error"]["message"]


async def test_a_patient_gets_no_recording(house: House) -> None:
    assert (await house.call("GET", FILES, "patient")).status == 403
    assert (await house.call("GET", f"{FILES}/patient.wav", "patient")).status == 403


async def test_an_unchanged_file_is_not_sent_again(house: House) -> None:
    first = await house.call("GET", f"{FILES}/patient.wav")
    again = await house.call("GET", f"{FILES}/patient.wav", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")


async def test_the_waveform_is_read_by_who_may_hear_the_recordings(house: House, recordings_dir: Path) -> None:
    assert (await house.call("GET", f"{FILES}/peaks.json", "clinician")).status == 404
    content = {"version": 1, "duration_s": 0.2, "peaks_per_s": 10, "loudest": 127, "peaks": {"patient": [1, 127]}}
    (recordings_dir / CONSULTATION / "peaks.json").write_text(json.dumps(content))
    answer = await house.call("GET", f"{FILES}/peaks.json", "clinician")
    assert (answer.content_type, await answer.json()) == ("application/json", content)
    assert (await house.call("GET", f"{FILES}/peaks.json", "patient")).status == 403
    assert (await house.call("GET", "/api/consultations/unknown-1/recordings/peaks.json")).status == 404


@pytest.mark.parametrize("now", [RECORDING, RecordingState(state="finalizing", progress=0.25)], ids=str)
async def test_while_a_recording_is_made_its_progress_is_told_without_the_database(
    house: House, now: RecordingState
) -> None:
    house.rooms.recordings[CONSULTATION] = now
    house.store.away = True
    answer = await (await house.call("GET", FILES, "clinician")).json()
    assert answer == {"consultation_id": CONSULTATION, "state": now.state, "progress": now.progress, "files": []}
    assert house.store.settlings == 0


@pytest.mark.parametrize(
    ("now", "files", "told"),
    [
        (None, True, ("ready", 1.0)),
        (READY, True, ("ready", 1.0)),
        (READY, False, ("finalizing", 1.0)),  # the database has not heard of the files yet
        (FAILED, False, ("failed", 0.0)),
        (NOTHING_RECORDED, False, ("none", 0.0)),
        (None, False, ("none", 0.0)),
    ],
)
async def test_a_recording_is_ready_when_its_files_can_be_read(
    house: House, now: RecordingState | None, files: bool, told: tuple[str, float]
) -> None:
    if now is not None:
        house.rooms.recordings[CONSULTATION] = now
    if not files:
        del house.store.recorded[CONSULTATION]
    answer = await (await house.call("GET", FILES, "clinician")).json()
    assert (answer["state"], answer["progress"]) == told
    assert bool(answer["files"]) is files
