"""One process at a time in a folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ..model.errors import Conflict


class FolderLock:
    """Held until released, or until this process ends, however it ends.

    Raises:
        Conflict: If another one holds it; the message names `what` and the process.
        OSError: If the folder cannot be written.
    """

    def __init__(self, folder: Path, what: str) -> None:
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise Conflict(
                f"{what} in {folder} is in use by another Escuta (process {holder}): "
                "stop that one, or set another DATA_DIR."
            ) from None
        self._descriptor = descriptor
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        except OSError:  # a full disk, say: what is not held must not stay locked
            os.close(descriptor)
            raise

    def release(self) -> None:
        """Let another one have the folder."""
        os.close(self._descriptor)
