import asyncio
import errno
import math
import os
import stat
import threading

import pytest

from server.model.audio import OpusPacket, SenderReport
from server.model.clock import RoomClock
from server.model.consultation import Role
from server.model.errors import Conflict, DiskFull, JournalUnreadable, Unavailable
from server.recording import files, writer
from server.recording.journal import RecordType
from server.recording.manifest import MANIFEST_NAME
from server.recording.recorder import Recorder
from server.recording.session import journal_path, read_session

from .conftest import OPENED_AT
from .journals import numbers, packet, recording, types, until

CLINICIAN, PATIENT = Role.CLINICIAN, Role.PATIENT


async def test_what_is_written_while_recording_is_kept_in_order(folder, clock):
    async with recording(folder, clock) as (recorder, failures):
        recorder.start()
        recorder.mark_connection(CLINICIAN)
        recorder.write_packet(CLINICIAN, packet(1))
        recorder.write_report(CLINICIAN, SenderReport(1, 3.9e9, 960, 1.0))
        recorder.write_packet(PATIENT, packet(2))
    kind = RecordType
    assert types(folder, CLINICIAN) == [
        kind.OPENED, kind.ON, kind.CONNECTION, kind.PACKET, kind.REPORT, kind.OFF, kind.CLOSED,
    ]  # fmt: skip
    assert numbers(folder, PATIENT) == [2]
    assert (failures, recorder.packets, recorder.lost, recorder.rejected) == ([], 2, 0, 0)


async def test_nothing_that_was_said_outside_consent_is_kept(folder, clock):
    async with recording(folder, clock) as (recorder, _):
        recorder.write_packet(CLINICIAN, packet(1))
        recorder.start()
        recorder.start()
        assert recorder.recording
        recorder.write_packet(CLINICIAN, packet(2))
        recorder.stop()
        assert not recorder.recording
        recorder.write_packet(CLINICIAN, packet(3))
        recorder.write_report(CLINICIAN, SenderReport(1, 3.9e9, 960, 1.0))
    recorder.write_packet(CLINICIAN, packet(4))
    recorder.mark_connection(CLINICIAN)
    recorder.start()
    assert numbers(folder, CLINICIAN) == [2]
    assert types(folder, CLINICIAN).count(RecordType.ON) == types(folder, CLINICIAN).count(RecordType.OFF) == 1


async def test_nobody_else_may_read_what_is_kept(folder, clock):
    umask = os.umask(0)
    try:
        async with recording(folder, clock):
            pass
    finally:
        os.umask(umask)
    for path in (folder.parent, folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


async def test_packets_that_fit_no_record_are_counted_and_raise_nothing(folder, clock):
    async with recording(folder, clock) as (recorder, failures):
        recorder.start()
        for odd in (packet(1, math.nan), OpusPacket(-1, 0, 0, b"", 0.0), OpusPacket(1, 0, 0, None, 0.0)):  # type: ignore[arg-type]
            recorder.write_packet(CLINICIAN, odd)
        recorder.write_packet(CLINICIAN, packet(7))
    assert (recorder.rejected, recorder.packets, failures) == (3, 1, [])
    assert numbers(folder, CLINICIAN) == [7]


async def test_a_folder_that_was_left_unfinished_is_continued(folder, clock):
    async with recording(folder, clock) as (recorder, _):
        recorder.start()
        recorder.write_packet(PATIENT, packet(1))
    path = journal_path(folder, PATIENT)
    path.write_bytes(path.read_bytes() + b"torn in the midst of a rec")
    (folder / MANIFEST_NAME).write_text("{}")
    async with recording(folder, clock) as (recorder, _):
        recorder.start()
        recorder.write_packet(PATIENT, packet(2))
        assert not (folder / MANIFEST_NAME).exists()
    assert numbers(folder, PATIENT) == [1, 2]
    assert read_session(folder).opened_at == OPENED_AT


async def test_a_journal_with_a_damaged_header_is_put_aside_not_overwritten(folder, clock):
    async with recording(folder, clock):
        pass
    path = journal_path(folder, PATIENT)
    damaged = b"X" + path.read_bytes()
    path.write_bytes(damaged)
    async with recording(folder, clock) as (recorder, _):
        recorder.start()
        recorder.write_packet(PATIENT, packet(5))
    assert numbers(folder, PATIENT) == [5]
    (aside,) = path.parent.glob("patient.jnl.damaged-*")
    assert aside.read_bytes() == damaged


async def test_two_recorders_never_share_a_folder(folder, clock):
    async with recording(folder, clock):
        with pytest.raises(Conflict, match="consultation-1 is in use"):
            await Recorder(folder, clock.room, on_failure=print).open()
    async with recording(folder, clock):
        pass


async def test_a_folder_of_another_opening_is_refused(folder, clock):
    async with recording(folder, clock):
        pass
    other = RoomClock(OPENED_AT.replace(hour=1))
    with pytest.raises(Conflict, match="not at 2026-03-01T01:30"):
        await Recorder(folder, other, on_failure=print).open()
    assert not files.is_locked(folder)


async def test_a_damaged_session_file_is_refused_with_its_name(folder, clock):
    async with recording(folder, clock):
        pass
    (folder / "session.json").write_text("{")
    with pytest.raises(JournalUnreadable, match=r"session\.json is damaged"):
        await Recorder(folder, clock.room, on_failure=print).open()


async def test_a_folder_that_cannot_be_made_says_so(tmp_path, clock):
    (tmp_path / "recordings").write_text("a file where a folder should be")
    with pytest.raises(Unavailable, match="check the disk and the folder's permissions"):
        await Recorder(tmp_path / "recordings" / "consultation-1", clock.room, on_failure=print).open()


async def test_no_space_at_the_opening_is_disk_full(folder, clock, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer.os, "pwrite", full)
    with pytest.raises(DiskFull, match="free some"):
        await Recorder(folder, clock.room, on_failure=print).open()
    assert not files.is_locked(folder)


async def test_closing_twice_and_closing_unopened_do_nothing(folder, clock):
    recorder = Recorder(folder, clock.room, on_failure=print)
    await recorder.close(1.0)
    await recorder.open()
    await recorder.open()
    await recorder.close(1.0)
    await recorder.close(2.0)
    assert types(folder, CLINICIAN).count(RecordType.CLOSED) == 1


async def test_a_cancelled_opening_leaves_neither_lock_nor_thread(folder, clock, monkeypatch):
    entered, go_on = threading.Event(), threading.Event()
    make = files.FolderLock.__init__

    def slow(self, path):
        entered.set()
        go_on.wait()
        make(self, path)

    monkeypatch.setattr(files.FolderLock, "__init__", slow)
    opening = asyncio.ensure_future(Recorder(folder, clock.room, on_failure=print).open())
    await until(entered.is_set)
    opening.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert not files.is_locked(folder)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("journal-")]
