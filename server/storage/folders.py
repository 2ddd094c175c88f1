"""Making the folders that hold what people said."""

from __future__ import annotations

from pathlib import Path


def make_private(folder: Path) -> None:
    """Make `folder` and the DATA_DIR it lies in where they are missing; what is made is its owner's alone.

    Folders that are there stay as they are, and those above DATA_DIR are made like any other.

    Raises:
        OSError: If one of them cannot be made.
    """
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for made in (folder.parent, folder):
        made.mkdir(mode=0o700, exist_ok=True)
