"""A file system that is really full, or really read-only (where the machine lets us mount one; else its errors)."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.model.audio import OpusPacket
from server.model.consultation import Role
from server.model.errors import DiskFull, Unavailable
from server.recording import files, writer
from server.recording.journal_reader import JournalReader
from server.recording.recorder import Recorder
from server.recording.render import finalize_now
from server.recording.session import journal_path

from .journals import numbers, recording, until

PATIENT = Role.PATIENT
SIZE = 4 << 20


class SmallDisk:
    """A tmpfs of 4 MB, or the same answers from `os` where mounting is not allowed."""

    def __init__(self, path: Path, patch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.path.mkdir()
        self._patch = patch
        self._left = SIZE
        self.is_real = self._mount("-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs")
        if not self.is_real:
            self._pwrite = os.pwrite
            patch.setattr(writer.os, "pwrite", self._counted)
            patch.setattr(files.os, "fsync", lambda _: self._check())

    def _mount(self, *arguments: str) -> bool:
        try:
            return subprocess.run(["mount", *arguments, str(self.path)], capture_output=True).returncode == 0
        except FileNotFoundError:
            return False

    def _counted(self, descriptor: int, content: bytes, offset: int) -> int:
        self._check()
        written = self._pwrite(descriptor, bytes(content)[: self._left], offset)
        self._left -= written
        return written

    def _check(self) -> None:
        if self._left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def grow(self) -> None:
        self._left = 1 << 40
        if self.is_real:
            assert self._mount("-o", "remount,size=256m")

    def make_read_only(self) -> None:
        if self.is_real:
            assert self._mount("-o", "remount,ro")
            return

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        self._patch.setattr(Path, "mkdir", refuse)

    def release(self) -> None:
        if self.is_real:
            subprocess.run(["umount", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path, monkeypatch) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path / "disk", monkeypatch)
    yield small
    small.release()


def packet(number: int) -> OpusPacket:
    return OpusPacket(1, number, number * 960, b"\xf8" + bytes(1_000), 0.5 + number * 0.02)


async def test_a_full_disk_ends_the_recording_not_the_call_and_keeps_what_was_written(disk, clock):
    folder = disk.path / "consultation-1"
    async with recording(folder, clock) as (recorder, failures):
        recorder.start()
        for begin in range(0, 6_000, 500):
            for number in range(begin, begin + 500):
                recorder.write_packet(PATIENT, packet(number))
            await until(lambda: failures or recorder.lag_s == 0)
        assert not recorder.recording
        assert len(failures) == 1
        assert "No disk space is left" in failures[0]
    kept = numbers(folder, PATIENT)
    assert kept == list(range(len(kept)))
    assert len(kept) > 3_000
    with JournalReader(journal_path(folder, PATIENT)) as journal:
        assert list(journal)
        assert journal.torn_bytes == 0

    with pytest.raises(DiskFull):
        finalize_now(folder)
    assert numbers(folder, PATIENT) == kept
    disk.grow()
    assert finalize_now(folder).participants[1].packets == len(kept)


async def test_a_read_only_disk_refuses_the_recording_in_a_sentence(disk, clock):
    disk.make_read_only()
    recorder = Recorder(disk.path / "consultation-1", clock.room, on_failure=print)
    with pytest.raises(Unavailable, match="read-only file system"):
        await recorder.open()
    recorder.start()
    recorder.write_packet(PATIENT, packet(1))
    assert not recorder.recording
    await recorder.close(1.0)
