"""Threads that carry journal records to disk, so that no packet ever waits for one."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from ..model.consultation import Role
from ..model.errors import EscutaError, Unavailable
from . import disk, journal
from .files import PRIVATE_FILE
from .journal_reader import valid_length

BATCH_S = 0.2
"""How long records gather before one write takes them all."""

DURABLE_S = 0.8
"""How old a record may get until the disk has confirmed it; with what surprises a disk has, under a second."""

BUFFER_BYTES = 16 << 20
"""Records that may wait while the disk hangs: about half an hour of two voices."""

log = structlog.get_logger()


class JournalFile:
    """One journal open for appending; what a crash left half-written is cut off first."""

    def __init__(self, path: Path, header: journal.Header) -> None:
        """Open or create the file.

        Raises:
            OSError: If it cannot be written.
        """
        self.length = valid_length(path)
        if self.length == 0 and path.exists() and path.stat().st_size > 0:
            path.replace(path.with_name(f"{path.name}.damaged-{time.time_ns()}"))
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            os.fchmod(self._descriptor, PRIVATE_FILE)
            os.ftruncate(self._descriptor, self.length)
            if self.length == 0:
                self.append(journal.encode_header(header))
            self.sync()
        except OSError:
            os.close(self._descriptor)
            raise

    def append(self, records: bytes | bytearray) -> None:
        """Write whole records.

        Raises:
            OSError: If not all could be written. The file then ends after the last record that could.
        """
        written = 0
        try:
            with memoryview(records) as view:
                while written < len(view):
                    written += os.pwrite(self._descriptor, view[written:], self.length + written)
        except OSError:
            self.length += journal.whole_records(records, written)
            os.ftruncate(self._descriptor, self.length)
            raise
        self.length += written

    def sync(self) -> None:
        """Make what was written durable."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)


class JournalWriter:
    """Takes records from the event loop, at once; one thread writes them, another makes them durable.

    `on_error` is called from a thread: when the disk refuses (nothing more is written then) and once when it is so
    slow that the buffer ran full (packets are lost until it has room). `lost` counts records that were not taken.
    """

    def __init__(self, files: Mapping[Role, JournalFile], folder: Path, on_error: Callable[[EscutaError], None]):
        self.lost = 0
        self.failed = False
        self._files = files
        self._folder = folder
        self._on_error = on_error
        self._buffers = {role: bytearray() for role in files}
        self._waiting = 0
        self._lost_unsaid = 0
        self._overflow_said = False
        self._ages = _Ages()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._written = threading.Event()
        self._closing = threading.Event()
        self._threads = tuple(
            threading.Thread(target=run, name=f"journal-{what}-{folder.name}", daemon=True)
            for what, run in (("write", self._run_writes), ("sync", self._run_syncs))
        )

    @property
    def lag_s(self) -> float:
        """How long the oldest record that is not durable yet has waited; 0 if there is none."""
        return self._ages.oldest_s(time.monotonic())

    def start(self) -> None:
        """Begin to write."""
        for thread in self._threads:
            thread.start()

    def append(self, role: Role, record: bytes) -> bool:
        """Take one record; False (and counted) if it cannot be kept. Never blocks, never raises."""
        with self._lock:
            waiting = self._waiting + len(record)
            if waiting > BUFFER_BYTES or self.failed:
                self.lost += 1
                self._lost_unsaid += 1
                return False
            first, self._waiting = not self._waiting, waiting
            self._buffers[role] += record
            if first:
                self._ages.taken(time.monotonic())
        if first:
            self._wake.set()
        return True

    def close(self) -> None:
        """Write and sync what waits, end the threads, close the files. Blocks as long as the disk does."""
        for event in (self._closing, self._wake, self._written):
            event.set()
        for thread in self._threads:
            thread.join()
        self._attempt(self._write)
        self._attempt(self._sync)
        for file in self._files.values():
            file.close()

    def _run_writes(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(BATCH_S)
            self._wake.clear()
            self._attempt(self._write)
            self._written.set()

    def _run_syncs(self) -> None:
        # A slow disk's syncs begin the earlier the longer they take, and never hold up the writes.
        took_s = 0.0
        while not self._closing.is_set():
            self._written.wait()
            age_s = self._ages.written_s(time.monotonic())
            self._closing.wait(max(0.0, DURABLE_S - took_s - age_s))
            self._written.clear()
            began = time.monotonic()
            self._attempt(self._sync)
            took_s = max(time.monotonic() - began, took_s * 0.9)

    def _attempt(self, step: Callable[[], None]) -> None:
        if self.failed:
            return
        try:
            step()
        except OSError as error:
            self.failed = True
            log.error("recording.journal_failed", folder=self._folder.name, errno=error.errno)
            self._on_error(disk.describe(error, self._folder))

    def _write(self) -> None:
        with self._lock:
            taken, self._buffers = self._buffers, {role: bytearray() for role in self._files}
            self._waiting = 0
            lost, self._lost_unsaid = self._lost_unsaid, 0
            self._ages.writing()
        for role, records in taken.items():
            if records:
                self._files[role].append(records)
        if lost:
            self._say_overflow(lost)
        with self._lock:
            self._ages.wrote()

    def _say_overflow(self, lost: int) -> None:
        for file in self._files.values():
            file.append(journal.encode_lost(lost))
        if not self._overflow_said:
            self._overflow_said = True
            self._on_error(
                Unavailable(
                    f"The disk under {self._folder} is too slow to record: {lost} packets are lost; use a faster one."
                )
            )

    def _sync(self) -> None:
        with self._lock:
            self._ages.syncing()
        for file in self._files.values():
            file.sync()
        with self._lock:
            self._ages.synced()


class _Ages:
    """Since when the oldest record waits at each step. Monotonic seconds."""

    def __init__(self) -> None:
        self._taken: float | None = None
        self._writing: float | None = None
        self._written: float | None = None
        self._syncing: float | None = None

    def taken(self, now: float) -> None:
        """A record was taken."""
        if self._taken is None:
            self._taken = now

    def writing(self) -> None:
        """What was taken until now is being written."""
        self._writing, self._taken = self._taken, None

    def wrote(self) -> None:
        """That is written."""
        self._written = self._writing if self._written is None else self._written
        self._writing = None

    def syncing(self) -> None:
        """What was written until now is being synced."""
        self._syncing = self._written if self._syncing is None else self._syncing
        self._written = None

    def synced(self) -> None:
        """That is durable."""
        self._syncing = None

    def written_s(self, now: float) -> float:
        """Return how old the oldest record is that was written and not synced."""
        return 0.0 if self._written is None else now - self._written

    def oldest_s(self, now: float) -> float:
        """Return how old the oldest record is that is not durable."""
        known = [since for since in (self._taken, self._writing, self._written, self._syncing) if since is not None]
        return now - min(known) if known else 0.0
