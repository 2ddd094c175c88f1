"""Writes that wait for the database, on disk: append-only, checksummed, in order, bounded.

Each record reaches the operating system before `append` returns, so it outlives this process. Sequences rise by one
and never repeat within a spool. Files are dropped as soon as everything in them is applied.
"""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from ..model.errors import DiskFull
from .folders import make_private
from .frames import HEADER, PAYLOAD_LIMIT_BYTES, encode, scan
from .lock import FolderLock

log = structlog.get_logger()

LIMIT_BYTES = 256 * 1024 * 1024
SEGMENT_BYTES = 4 * 1024 * 1024
READ_BYTES = 256 * 1024
HELD_LIMIT = 5000
"""Records kept in memory while the disk takes none."""


@dataclass(frozen=True, slots=True)
class Record:
    """A waiting write, and where the next one begins (segment, byte); None: it is in memory only."""

    sequence: int
    payload: bytes
    next_at: tuple[int, int] | None


class Spool:
    """A folder of segment files. One process at a time; not thread-safe.

    Raises:
        Conflict: If another process uses the folder.
        OSError: If the folder cannot be made or written.
    """

    def __init__(self, folder: Path, limit_bytes: int | None = None) -> None:
        self.folder = folder
        self.limit_bytes = LIMIT_BYTES if limit_bytes is None else limit_bytes
        self.last_sequence = 0
        self.applied = 0
        self.damaged_bytes = 0
        self._held: deque[tuple[int, bytes]] = deque()
        self._sizes: dict[int, int] = {}
        self._cursor = (1, 0)
        self._refused = False
        make_private(folder)
        self._lock = FolderLock(folder, "The store of waiting writes")
        self.id = self._identity()
        self._scan()
        self._active = self._open_segment(max(self._sizes, default=1))

    @property
    def waiting(self) -> int:
        """How many records are not applied."""
        return self.last_sequence - self.applied

    @property
    def waiting_bytes(self) -> int:
        """How much disk they take."""
        return sum(self._sizes.values()) - self._cursor[1]

    @property
    def held(self) -> int:
        """How many records wait in memory because the disk takes none."""
        return len(self._held)

    @property
    def nearly_full(self) -> bool:
        """Less than a fifth of the room is left."""
        return self.waiting_bytes > 0.8 * self.limit_bytes

    def resume(self, position: int) -> None:
        """Go on after `position`, the last record the database has."""
        self.applied = position
        self.last_sequence = max(self.last_sequence, position)
        self._drop_applied()

    def append(self, payload: bytes) -> int:
        """Keep `payload` and return its sequence.

        Raises:
            DiskFull: If the spool has reached its limit.
            ValueError: If `payload` is longer than any record may be.
        """
        if len(payload) > PAYLOAD_LIMIT_BYTES:
            raise ValueError(f"a record of {len(payload)} bytes is longer than {PAYLOAD_LIMIT_BYTES}")
        if self.waiting_bytes + len(payload) > self.limit_bytes or len(self._held) >= HELD_LIMIT:
            raise DiskFull(f"The writes waiting for the database have reached {self.limit_bytes} bytes.")
        self.last_sequence += 1
        self._held.append((self.last_sequence, payload))
        self.write_held()
        return self.last_sequence

    def write_held(self) -> None:
        """Write what waits in memory to disk, as far as the disk takes it."""
        while self._held:
            sequence, payload = self._held[0]
            if not self._write(encode(sequence, payload)):
                return
            self._held.popleft()

    def batch(self, limit: int) -> list[Record]:
        """Return the oldest waiting records, at most `limit`."""
        self.write_held()
        records: list[Record] = []
        segment, offset = self._cursor
        while len(records) < limit and segment in self._sizes:
            found = self._read(segment, offset, limit - len(records))
            records += [record for record in found if record.sequence > self.applied]
            if not found:
                segment, offset = segment + 1, 0
            elif found[-1].next_at is not None:
                segment, offset = found[-1].next_at
        if len(records) < limit:
            records += [Record(sequence, payload, None) for sequence, payload in self._held if sequence > self.applied]
        return records[:limit]

    def confirm(self, record: Record) -> None:
        """The database has `record` and all before it."""
        self.applied = record.sequence
        while self._held and self._held[0][0] <= self.applied:
            self._held.popleft()
        if record.next_at is not None:
            self._cursor = record.next_at
        self._drop_applied()

    def syncing(self) -> Callable[[], None]:
        """Return what makes everything written so far survive a power failure; it blocks: call it in a thread."""
        descriptor = os.dup(self._active)

        def sync() -> None:
            try:
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)

        return sync

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._active)
        self._lock.release()

    def _write(self, frame: bytes) -> bool:
        try:
            segment = max(self._sizes)
            if self._sizes[segment] >= SEGMENT_BYTES:
                segment += 1
                full, self._active = self._active, self._open_segment(segment)
                os.close(full)
            written = os.write(self._active, frame)
            if written == len(frame):
                self._sizes[segment] += written
                self._refused = False
                return True
            os.ftruncate(self._active, self._sizes[segment])
            reason = "disk full"
        except OSError as error:
            reason = error.strerror or type(error).__name__
        if not self._refused:
            self._refused = True
            log.error("spool.write_failed", reason=reason, folder=str(self.folder))
        return False

    def _read(self, segment: int, offset: int, limit: int) -> list[Record]:
        size = self._sizes[segment]
        descriptor = os.open(self._path(segment), os.O_RDONLY)
        try:
            content = os.pread(descriptor, READ_BYTES, offset)
            records = self._records(segment, offset, content, limit)
            if not records and offset + len(content) < size:
                records = self._records(segment, offset, os.pread(descriptor, size - offset, offset), limit)
        finally:
            os.close(descriptor)
        return records

    def _records(self, segment: int, offset: int, content: bytes, limit: int) -> list[Record]:
        records = []
        for frame in scan(content):
            records.append(Record(frame.sequence, frame.payload, (segment, offset + frame.end)))
            if len(records) == limit:
                break
        return records

    def _drop_applied(self) -> None:
        """Keep nothing of what was said on disk for longer than the database lacks it."""
        try:
            if not self.waiting:
                self._cursor = (max(self._sizes), 0)
                os.ftruncate(self._active, 0)
                self._sizes[self._cursor[0]] = 0
            for segment in [segment for segment in self._sizes if segment < self._cursor[0]]:
                self._path(segment).unlink(missing_ok=True)
                del self._sizes[segment]
        except OSError as error:
            log.warning("spool.not_dropped", reason=error.strerror)

    def _scan(self) -> None:
        for path in sorted(self.folder.glob("*.spool")):
            content, whole = path.read_bytes(), 0
            for frame in scan(content):
                self.last_sequence = max(self.last_sequence, frame.sequence)
                whole += HEADER.size + len(frame.payload)
            self._sizes[int(path.stem)] = len(content)
            self.damaged_bytes += len(content) - whole
        if self._sizes:
            self._cursor = (min(self._sizes), 0)
        if self.damaged_bytes:
            log.warning("spool.damaged", bytes=self.damaged_bytes, folder=str(self.folder))

    def _open_segment(self, segment: int) -> int:
        descriptor = os.open(self._path(segment), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._sizes.setdefault(segment, 0)
        return descriptor

    def _path(self, segment: int) -> Path:
        return self.folder / f"{segment:08d}.spool"

    def _identity(self) -> uuid.UUID:
        path = self.folder / "id"
        try:
            known = uuid.UUID(path.read_text().strip())
            path.chmod(0o600)
        except (FileNotFoundError, ValueError):
            known = uuid.uuid4()
            fresh = path.with_suffix(".new")
            fresh.touch(0o600)
            fresh.write_text(str(known))
            fresh.replace(path)
        return known
