import errno
import os
import threading

import pytest

from server.model.consultation import Role
from server.recording import writer
from server.recording.journal import RecordType
from server.recording.journal_reader import JournalReader
from server.recording.recorder import Recorder
from server.recording.session import journal_path

from .journals import numbers, packet, recording, types, until

PATIENT = Role.PATIENT


class FillingDisk:
    """`os.pwrite` on a disk with so many bytes left; `hangs` holds every write until told."""

    def __init__(self) -> None:
        self.left = 1 << 40
        self.error = errno.ENOSPC
        self.flows = threading.Event()
        self.flows.set()
        self._pwrite = os.pwrite

    def pwrite(self, descriptor: int, content: memoryview, offset: int) -> int:
        self.flows.wait()
        if self.left <= 0:
            raise OSError(self.error, os.strerror(self.error))
        written = self._pwrite(descriptor, bytes(content)[: self.left], offset)
        self.left -= written
        return written


@pytest.fixture
def filling_disk(monkeypatch) -> FillingDisk:
    filling = FillingDisk()
    monkeypatch.setattr(writer.os, "pwrite", filling.pwrite)
    return filling


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (errno.ENOSPC, "No disk space is left"),
        (errno.EROFS, "read-only file system"),
        (errno.EIO, "input/output error"),
    ],
)
async def test_a_failing_disk_is_told_once_and_what_was_written_stays(folder, clock, filling_disk, error, sentence):
    filling_disk.error = error
    async with recording(folder, clock) as (recorder, failures):
        recorder.start()
        for number in range(10):
            recorder.write_packet(PATIENT, packet(number))
        await until(lambda: len(numbers(folder, PATIENT)) == 10)
        filling_disk.left = 70
        for number in range(10, 200):
            recorder.write_packet(PATIENT, packet(number))
        await until(lambda: failures)
        assert not recorder.recording
        for number in range(200, 400):
            recorder.write_packet(PATIENT, packet(number))
        assert recorder.lost >= 200
    assert len(failures) == 1
    assert sentence in failures[0]
    assert numbers(folder, PATIENT) == list(range(12))
    with JournalReader(journal_path(folder, PATIENT)) as journal:
        assert list(journal)
        assert journal.torn_bytes == 0


async def test_once_there_is_space_again_a_new_recorder_carries_on(folder, clock, filling_disk):
    async with recording(folder, clock) as (recorder, failures):
        recorder.start()
        filling_disk.left = 50
        recorder.write_packet(PATIENT, packet(1))
        recorder.write_packet(PATIENT, packet(2))
        await until(lambda: failures)
    filling_disk.left = 1 << 40
    async with recording(folder, clock) as (recorder, failures):
        recorder.start()
        recorder.write_packet(PATIENT, packet(3))
    assert numbers(folder, PATIENT)[-1] == 3
    assert failures == []


async def test_a_hanging_disk_delays_nobody_and_loses_nothing_while_the_buffer_lasts(folder, clock, filling_disk):
    async with recording(folder, clock) as (recorder, failures):
        recorder.start()
        filling_disk.flows.clear()
        for number in range(5_000):
            recorder.write_packet(PATIENT, packet(number))
        assert failures == []
        filling_disk.flows.set()
    assert numbers(folder, PATIENT) == list(range(5_000))
    assert recorder.lost == 0


async def test_a_slow_sync_holds_up_no_write(folder, clock, monkeypatch):
    syncs, confirmed = threading.Event(), threading.Event()

    def slow(_: int) -> None:
        syncs.set()
        confirmed.wait()

    async with recording(folder, clock) as (recorder, _):
        recorder.start()
        monkeypatch.setattr(writer.os, "fdatasync", slow)
        recorder.write_packet(PATIENT, packet(0))
        await until(syncs.is_set)
        for number in range(1, 10):
            recorder.write_packet(PATIENT, packet(number))
        await until(lambda: numbers(folder, PATIENT) == list(range(10)))
        assert recorder.lag_s > 0
        confirmed.set()
        await until(lambda: recorder.lag_s == 0)


async def test_a_disk_too_slow_is_told_counted_and_noted_in_the_journal(folder, clock, filling_disk, monkeypatch):
    monkeypatch.setattr(writer, "BUFFER_BYTES", 3_000)
    async with recording(folder, clock) as (recorder, failures):
        recorder.start()
        await until(lambda: RecordType.ON in types(folder, PATIENT))
        filling_disk.flows.clear()
        for number in range(500):
            recorder.write_packet(PATIENT, packet(number))
        lost = recorder.lost
        assert lost > 300
        filling_disk.flows.set()
        await until(lambda: failures)
        assert recorder.recording
        recorder.write_packet(PATIENT, packet(999))
    assert len(failures) == 1
    assert "too slow to record" in failures[0]
    kept = numbers(folder, PATIENT)
    assert kept[-1] == 999
    assert len(kept) - 1 + lost == 500
    with JournalReader(journal_path(folder, PATIENT)) as journal:
        assert [record.lost for record in journal if record.type is RecordType.LOST] == [lost]


async def test_an_on_failure_that_fails_is_contained(folder, clock, filling_disk):
    said: list[str] = []

    def failing(message: str) -> None:
        said.append(message)
        raise RuntimeError("the room is gone")

    recorder = Recorder(folder, clock.room, on_failure=failing)
    await recorder.open()
    recorder.start()
    filling_disk.left = 0
    recorder.write_packet(PATIENT, packet(1))
    await until(lambda: said)
    recorder.write_packet(PATIENT, packet(2))
    await recorder.close(1.0)
    assert recorder.lost >= 1
