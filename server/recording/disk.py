"""How much room is left where recordings go."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from ..model.errors import DiskFull, EscutaError, Unavailable

_FULL = {errno.ENOSPC, errno.EDQUOT}


def free_mb(path: Path) -> int:
    """Return the free space in MiB where `path` is, or will be once its missing folders are made.

    Raises:
        OSError: If not even the file system's root can be asked.
    """
    existing = path.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    return shutil.disk_usage(existing).free >> 20


def describe(error: OSError, folder: Path) -> EscutaError:
    """Return what a failed write in `folder` means, in one sentence that says what to do."""
    if error.errno in _FULL:
        return DiskFull(f"No disk space is left in {folder}: free some; what was recorded until now is kept.")
    reason = (error.strerror or type(error).__name__).lower()
    return Unavailable(f"Recording cannot write to {folder} ({reason}): check the disk and the folder's permissions.")
