"""The spool: what it keeps, in which order, and through which misfortunes."""

import errno
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.model.errors import Conflict, DiskFull
from server.storage import spool as spool_module
from server.storage.frames import HEADER, MARKER, encode, scan
from server.storage.spool import Spool


def fill(spool: Spool, *payloads: bytes) -> None:
    for payload in payloads:
        spool.append(payload)


def payloads(spool: Spool, limit: int = 1000) -> list[bytes]:
    return [record.payload for record in spool.batch(limit)]


def drain(spool: Spool, limit: int = 1000) -> list[bytes]:
    seen = []
    while batch := spool.batch(limit):
        seen += [record.payload for record in batch]
        spool.confirm(batch[-1])
    return seen


def numbered(count: int, size: int = 10) -> list[bytes]:
    return [str(number).encode().rjust(size, b".") for number in range(count)]


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_records_come_back_once_and_in_order(tmp_path: Path, limit: int) -> None:
    spool = Spool(tmp_path)
    fill(spool, *numbered(50))
    assert payloads(spool, 3) == numbered(50)[:3]
    assert payloads(spool, 3) == numbered(50)[:3]  # until confirmed
    assert drain(spool, limit) == numbered(50)
    fill(spool, b"later")
    assert drain(spool, limit) == [b"later"]
    spool.close()


def test_what_was_appended_outlives_a_process_that_closed_nothing(tmp_path: Path) -> None:
    first = Spool(tmp_path / "spool")
    fill(first, *numbered(20))
    shutil.copytree(tmp_path / "spool", tmp_path / "survivor")
    second = Spool(tmp_path / "survivor")
    second.resume(5)
    assert second.id == first.id
    assert drain(second) == numbered(20)[5:]
    for spool in (first, second):
        spool.close()


def test_a_drained_spool_holds_nothing_of_what_was_said(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    fill(spool, b"doctor, it hurts")
    drain(spool)
    assert spool.waiting == spool.waiting_bytes == 0
    assert not any(b"hurts" in path.read_bytes() for path in tmp_path.iterdir())
    spool.close()


def test_sequences_go_on_after_a_drained_spool_was_closed(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    fill(spool, b"one", b"two")
    drain(spool)
    spool.close()
    spool = Spool(tmp_path)
    spool.resume(2)
    assert spool.append(b"three") == 3
    assert drain(spool) == [b"three"]
    spool.close()


def test_full_segments_are_dropped_as_they_are_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 1000)
    spool = Spool(tmp_path)
    fill(spool, *numbered(200, size=80))
    before = len(files(tmp_path))
    assert before > 10
    spool.confirm(spool.batch(100)[-1])
    assert 1 < len(files(tmp_path)) < before
    assert drain(spool, 9) == numbered(200, size=80)[100:]
    assert len(files(tmp_path)) == 1
    spool.close()


def test_segments_are_read_in_order_by_the_next_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 1000)
    spool = Spool(tmp_path)
    fill(spool, *numbered(100, size=80))
    spool.confirm(spool.batch(30)[-1])
    spool.close()
    spool = Spool(tmp_path)
    spool.resume(30)
    fill(spool, b"new")
    assert drain(spool) == [*numbered(100, size=80)[30:], b"new"]
    spool.close()


def test_a_record_larger_than_one_read_is_returned(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    large = [b"a" * 10, b"b" * 3_000_000, b"c" * 2_000_000, b"d" * 10]
    fill(spool, *large)
    assert drain(spool) == large
    spool.close()


def test_a_record_larger_than_any_may_be_is_refused(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with pytest.raises(ValueError, match="longer"):
        spool.append(b"x" * (4 * 1024 * 1024 + 1))
    assert drain(spool) == []
    spool.close()


@given(cut=st.integers(0, 600), counts=st.integers(1, 12))
def test_a_torn_tail_costs_only_the_records_it_tore(
    tmp_path_factory: pytest.TempPathFactory, cut: int, counts: int
) -> None:
    folder = tmp_path_factory.mktemp("torn")
    spool = Spool(folder)
    fill(spool, *numbered(counts))
    spool.close()
    [path] = files(folder)
    whole = min(cut, path.stat().st_size) // (HEADER.size + 10)
    os.truncate(path, min(cut, path.stat().st_size))
    spool = Spool(folder)
    spool.resume(0)
    assert payloads(spool) == numbered(counts)[:whole]
    fill(spool, b"afterwards")
    assert drain(spool) == [*numbered(counts)[:whole], b"afterwards"]
    spool.close()


@given(at=st.integers(0, 10 * (HEADER.size + 10) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_costs_only_its_record(tmp_path_factory: pytest.TempPathFactory, at: int, bit: int) -> None:
    folder = tmp_path_factory.mktemp("flipped")
    spool = Spool(folder)
    fill(spool, *numbered(10))
    spool.close()
    [path] = files(folder)
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << bit
    path.write_bytes(content)
    spool = Spool(folder)
    spool.resume(0)
    struck = at // (HEADER.size + 10)
    assert drain(spool) == [payload for number, payload in enumerate(numbered(10)) if number != struck]
    assert spool.damaged_bytes == HEADER.size + 10
    spool.close()


def test_damage_longer_than_one_read_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "READ_BYTES", 100)
    spool = Spool(tmp_path)
    fill(spool, b"first")
    with files(tmp_path)[0].open("ab") as file:
        file.write(b"\xff" * 1000 + MARKER + b"\xff" * 1000)
    spool.close()
    spool = Spool(tmp_path)
    spool.resume(0)
    fill(spool, b"second")
    assert drain(spool) == [b"first", b"second"]
    spool.close()


@given(st.binary(max_size=300))
def test_scanning_anything_never_fails(content: bytes) -> None:
    assert all(frame.end <= len(content) for frame in scan(content))
    assert [frame.payload for frame in scan(content + encode(7, b"whole"))][-1:] == [b"whole"]


def test_a_full_spool_says_so_and_takes_more_once_there_is_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit_bytes=1000)
    with pytest.raises(DiskFull):
        fill(spool, *numbered(100))
    kept = spool.waiting
    assert 0 < kept < 100
    assert spool.nearly_full
    assert spool.waiting_bytes <= 1000 + HEADER.size
    assert drain(spool) == numbered(kept)
    assert not spool.nearly_full
    assert spool.append(b"again") == kept + 1
    spool.close()


class FullDisk:
    """Refuses writes, or tears them, while `full`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, torn: bool) -> None:
        self.full = False
        self.torn = torn
        self._write = os.write
        monkeypatch.setattr(spool_module.os, "write", self.write)

    def write(self, descriptor: int, content: bytes) -> int:
        if not self.full:
            return self._write(descriptor, content)
        if self.torn:
            return self._write(descriptor, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("torn", [False, True])
def test_while_the_disk_takes_nothing_records_wait_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torn: bool
) -> None:
    disk = FullDisk(monkeypatch, torn)
    spool = Spool(tmp_path)
    fill(spool, b"1", b"2")
    disk.full = True
    fill(spool, b"3", b"4")
    assert spool.held == 2
    assert payloads(spool) == [b"1", b"2", b"3", b"4"]
    disk.full = False
    fill(spool, b"5")
    assert spool.held == 0
    assert drain(spool) == [b"1", b"2", b"3", b"4", b"5"]
    spool.close()


def test_records_in_memory_can_be_applied_without_ever_reaching_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch, torn=False)
    spool = Spool(tmp_path)
    fill(spool, b"1")
    disk.full = True
    fill(spool, b"2", b"3")
    assert drain(spool, 2) == [b"1", b"2", b"3"]
    disk.full = False
    fill(spool, b"4")
    assert drain(spool) == [b"4"]
    spool.close()


def test_memory_is_bounded_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "HELD_LIMIT", 3)
    FullDisk(monkeypatch, torn=False).full = True
    spool = Spool(tmp_path)
    with pytest.raises(DiskFull):
        fill(spool, *numbered(10))
    assert spool.held == 3
    spool.close()


def test_two_processes_cannot_have_one_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with pytest.raises(Conflict, match=str(os.getpid())):
        Spool(tmp_path)
    spool.close()
    Spool(tmp_path).close()


def test_only_its_owner_can_read_a_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    fill(spool, b"x")
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files(tmp_path / "spool")} == {0}
    spool.close()


def test_an_unreadable_identity_is_made_anew(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.close()
    (tmp_path / "id").write_text("")
    again = Spool(tmp_path)
    assert again.id != spool.id
    again.close()


def test_syncing_survives_the_segment_being_closed_meanwhile(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    fill(spool, b"x")
    sync: Any = spool.syncing()
    spool.close()
    sync()


def test_what_the_spool_makes_is_its_owners_alone(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        Spool(tmp_path / "above/data/spool").close()
    finally:
        os.umask(umask)
    folder = tmp_path / "above/data/spool"
    assert stat.S_IMODE((tmp_path / "above").stat().st_mode) == 0o755
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder)] == [0o700, 0o700]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert {path.name for path in folder.iterdir()} >= {"id", "lock"}


def test_an_id_that_everybody_may_read_is_closed(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.close()
    (tmp_path / "id").chmod(0o644)
    again = Spool(tmp_path)
    assert again.id == spool.id
    assert stat.S_IMODE((tmp_path / "id").stat().st_mode) == 0o600
    again.close()
