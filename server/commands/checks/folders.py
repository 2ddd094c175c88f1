"""The folders things are kept in."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from ...settings import Settings
from .finding import Finding, fail, ok, warn


async def check_data(settings: Settings) -> Finding:
    """Tell whether DATA_DIR can be written, by its owner alone."""
    return await asyncio.to_thread(_check, settings.data_dir, "DATA_DIR")


async def check_recordings(settings: Settings) -> Finding:
    """Tell whether RECORDINGS_DIR can be written, by its owner alone, and holds no unfinished recording."""
    return await asyncio.to_thread(_check_recordings, settings.recordings_dir)


async def check_disk(settings: Settings) -> Finding:
    """Tell whether recording will start."""
    from ...recording.disk import free_mb

    free = await asyncio.to_thread(free_mb, settings.recordings_dir)
    least = settings.min_free_disk_mb
    sentence = f"{free} MB are free for recordings, {least} are needed (MIN_FREE_DISK_MB)"
    if free < least:
        return fail(f"{sentence}: free some, or nothing is recorded.")
    if free < 2 * least:
        return warn(f"{sentence}: free some soon.")
    return ok(f"{sentence}.")


def _check_recordings(folder: Path) -> Finding:
    from ...recording.recover import unfinished

    finding = _check(folder, "RECORDINGS_DIR")
    if finding.outcome != "ok":
        return finding
    count = len(unfinished(folder))
    if count:
        return warn(f"{folder} holds {count} unfinished recording(s): run python -m server recover.")
    return finding


def _check(folder: Path, setting: str) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
    except OSError as error:
        return fail(f"{folder} cannot be written ({error.strerror}): correct {setting} or its permissions.")
    # Passing through (x) is let be: an embedded database that runs under an account of its own needs it.
    if folder.stat().st_mode & 0o006:
        return warn(f"{folder} is open to everybody on this machine: chmod o-rw {folder}.")
    return ok(f"{folder} can be written.")
