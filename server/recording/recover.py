"""Finishing what a crash left behind."""

from __future__ import annotations

from pathlib import Path

from .files import is_locked
from .finalize import OnProgress, finalize
from .manifest import MANIFEST_NAME, Manifest
from .session import JOURNAL_FOLDER, SESSION_NAME


def unfinished(recordings_dir: Path) -> list[Path]:
    """Return the recordings without a manifest that nobody works on now, by name."""
    if not recordings_dir.is_dir():
        return []
    return [folder for folder in sorted(recordings_dir.iterdir()) if _is_unfinished(folder)]


def finished(recordings_dir: Path) -> list[Path]:
    """Return the recordings that have a manifest, by name."""
    if not recordings_dir.is_dir():
        return []
    return [folder for folder in sorted(recordings_dir.iterdir()) if (folder / MANIFEST_NAME).exists()]


async def recover(folder: Path, on_progress: OnProgress = lambda _: None) -> Manifest:
    """Finalize a recording whose server died; it ends with the last packet unless its end was noted.

    `on_progress` hears how much is done (0 to 1).

    Raises:
        EscutaError: Each as `render.finalize_now` raises it; Conflict if a live server records there.
    """
    return await finalize(folder, on_progress)


def _is_unfinished(folder: Path) -> bool:
    begun = (folder / SESSION_NAME).exists() or (folder / JOURNAL_FOLDER).is_dir()
    return begun and not (folder / MANIFEST_NAME).exists() and not is_locked(folder)
