"""A voice rendered in a process of its own gives the same files, and fails as clearly."""

import os
import shutil
import signal

import pytest

from server.model.consultation import Role
from server.model.errors import EscutaError, Unavailable
from server.recording.finalize import finalize
from server.recording.parts import PartBeside
from server.recording.peaks import PEAKS_NAME
from server.recording.render import MIX_NAME, finalize_now
from server.recording.session import journal_path

from .finished import leg

SENT = {Role.CLINICIAN: [leg()], Role.PATIENT: [leg(ssrc=2, start_s=0.5)]}
# These tests' process has threads, but none that holds a lock the children need.
forking = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


async def test_here_and_beside_make_the_same_files(folder, record, tmp_path):
    await record(SENT, 4.25)
    other = shutil.copytree(folder, tmp_path / "other" / folder.name)
    assert await finalize(folder) == finalize_now(other)
    assert (folder / PEAKS_NAME).read_bytes() == (other / PEAKS_NAME).read_bytes()


async def test_the_mix_is_the_same_through_libopus_and_through_ffmpeg(folder, record, tmp_path, monkeypatch):
    await record(SENT, 4.25)
    other = shutil.copytree(folder, tmp_path / "other" / folder.name)
    finalize_now(folder)
    for user, own in (("mix", "OpusEncoder"), ("pcm", "OpusDecoder")):
        monkeypatch.setattr(f"server.recording.{user}.library", lambda: None)
        monkeypatch.delattr(f"server.recording.{user}.{own}")
    finalize_now(other)
    assert (folder / MIX_NAME).read_bytes() == (other / MIX_NAME).read_bytes()


async def test_what_goes_wrong_in_a_voices_process_is_told_by_the_one_that_waits(folder, record):
    await record(SENT, 4.25)
    journal = journal_path(folder, Role.PATIENT)
    kept = journal.rename(journal.with_name("kept"))
    journal.mkdir()
    with pytest.raises(Unavailable):
        await finalize(folder)
    journal.rmdir()
    kept.rename(journal)
    assert len((await finalize(folder)).files) == 5


@forking
async def test_a_voices_process_that_dies_leaves_a_recording_that_can_be_tried_again(folder, record):
    await record(SENT, 4.25)

    def dying(*what):
        part = PartBeside(*what)
        part.outline  # noqa: B018 - it has read the journal and waits for its order
        os.kill(part._process.pid, signal.SIGKILL)
        return part

    with pytest.raises(EscutaError, match="died"):
        finalize_now(folder, hire=dying)
    assert not list(folder.glob("manifest.json"))
    assert len(finalize_now(folder, hire=PartBeside).files) == 5


@forking
async def test_a_process_whose_parent_is_gone_ends(folder, record):
    await record(SENT, 4.25)
    part = PartBeside(folder, Role.PATIENT)
    assert part.outline.packets > 100
    part.close()
