"""One thread that carries journal records to disk, so that no packet ever waits for one."""

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

BATCH_S = 0.1
"""How long records gather before one write takes them all."""

SYNC_S = 0.7
"""How long written records may wait for the disk to confirm them; with the batch well under a second."""

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
    """Takes records from the event loop, at once, and writes them from its own thread.

    `on_error` is called from that thread: once when the disk refuses (nothing more is written then) and once
    when it is so slow that the buffer ran full (packets are lost until it has room). `lost` counts records
    that were not taken.
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
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"journal-{folder.name}", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def append(self, role: Role, record: bytes) -> bool:
        """Take one record; False (and counted) if it cannot be kept. Never blocks, never raises."""
        with self._lock:
            full = self._waiting + len(record) > BUFFER_BYTES
            if full or self.failed:
                self.lost += 1
                self._lost_unsaid += 1
            else:
                self._buffers[role] += record
                self._waiting += len(record)
        if not self._wake.is_set():
            self._wake.set()
        return not full and not self.failed

    def close(self) -> None:
        """Write and sync what waits, end the thread, close the files. Blocks as long as the disk does."""
        self._closing.set()
        self._wake.set()
        self._thread.join()
        for file in self._files.values():
            file.close()

    def _run(self) -> None:
        sync_due: float | None = None
        while not self._closing.is_set():
            self._wake.wait(None if sync_due is None else max(0.0, sync_due - time.monotonic()))
            if self._wake.is_set():
                self._closing.wait(BATCH_S)
                self._wake.clear()
                self._attempt(self._write)
                sync_due = sync_due or time.monotonic() + SYNC_S
            if sync_due is not None and time.monotonic() >= sync_due:
                self._attempt(self._sync)
                sync_due = None
        self._attempt(self._write)
        self._attempt(self._sync)

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
        for role, records in taken.items():
            if records:
                self._files[role].append(records)
        if lost:
            self._say_overflow(lost)

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
        for file in self._files.values():
            file.sync()
