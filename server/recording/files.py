"""Files nobody else may read, that are either whole or absent; and whose turn it is in a folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from ..model.errors import Conflict

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
PARTIAL_SUFFIX = ".partial"
_ATTEMPTS = 5


def make_private_folder(path: Path) -> None:
    """Create `path`, and what is missing above it, readable by their owner only.

    Raises:
        OSError: If it cannot be created.
    """
    for missing in reversed([one for one in path.parents if not one.exists()]):
        missing.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    path.chmod(PRIVATE_FOLDER)


def sync_folder(path: Path) -> None:
    """Make the names in `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class NewFile:
    """A file that gets its name when its `with` block ends well, and vanishes otherwise.

    `sha256` and `size_bytes` describe what was written. Writes raise OSError (disk full, read-only, …).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size_bytes = 0
        self._hash = hashlib.sha256()
        self._partial = path.with_name(path.name + PARTIAL_SUFFIX)
        descriptor = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE_FILE)
        os.fchmod(descriptor, PRIVATE_FILE)
        self._file = os.fdopen(descriptor, "wb", buffering=1 << 18)

    @property
    def sha256(self) -> str:
        """The digest of what was written, in hex."""
        return self._hash.hexdigest()

    def write(self, content: bytes) -> None:
        """Append `content`."""
        self._file.write(content)
        self._hash.update(content)
        self.size_bytes += len(content)

    def __enter__(self) -> NewFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()
                self._partial.replace(self.path)
                sync_folder(self.path.parent)
        finally:
            self._abandon()

    def _abandon(self) -> None:
        # After a failed write the buffer cannot be flushed: closing says so a second time.
        try:
            self._file.close()
        except OSError:
            self._partial.unlink(missing_ok=True)
        self._partial.unlink(missing_ok=True)


def write_file(path: Path, content: bytes) -> None:
    """Write a whole small file, private and durable.

    Raises:
        OSError: If it cannot be written; an older file of that name is then untouched.
    """
    with NewFile(path) as file:
        file.write(content)


class FolderLock:
    """Whoever holds it works in a recording's folder; the kernel frees it when the process dies."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            Conflict: If somebody else holds it.
            OSError: If the lock file cannot be made.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(folder / ".lock", flags, PRIVATE_FILE)
        if not _take(self._descriptor):
            os.close(self._descriptor)
            raise Conflict(f"Recording {folder.name} is in use: wait until its consultation has ended.")

    def release(self) -> None:
        """Let others work here. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _take(descriptor: int) -> bool:
    # `is_locked` holds the lock for an instant: that must not look like somebody working here.
    for attempt in range(_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01 if attempt < _ATTEMPTS - 1 else 0)
        else:
            return True
    return False


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock for the length of the `with` block.

    Raises:
        Conflict: If somebody else holds it.
    """
    lock = FolderLock(folder)
    try:
        yield
    finally:
        lock.release()


def is_locked(folder: Path) -> bool:
    """Say whether somebody works in `folder` now."""
    try:
        FolderLock(folder).release()
    except Conflict:
        return True
    except OSError:
        return False
    return False
