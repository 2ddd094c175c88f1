"""`recover`: finish the recordings that a crash left unfinished."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from ..logs import configure_logs
from ..model.errors import EscutaError
from ..settings import load_settings

HELP = "Finish the recordings that a crash left unfinished; those of a running server are left alone."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--recordings", type=Path, metavar="FOLDER", help="where they are (default: RECORDINGS_DIR)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Finish them all; status 1 when one could not be."""
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    folder = arguments.recordings or settings.recordings_dir
    found = asyncio.run(_recover_all(folder, say=not arguments.json))
    if arguments.json:
        print(json.dumps({"recordings": found}))
    elif not found:
        print(f"Nothing is unfinished in {folder}.")
    return 1 if any("error" in one for one in found) else 0


async def _recover_all(recordings_dir: Path, *, say: bool) -> list[dict[str, Any]]:
    from ..recording.recover import unfinished

    found = []
    for folder in unfinished(recordings_dir):
        one = await _recover_one(folder)
        if say:
            print(f"{one['consultation_id']}: {one.get('error') or _sentence(one)}", flush=True)
        found.append(one)
    return found


async def _recover_one(folder: Path) -> dict[str, Any]:
    from ..recording.recover import recover

    try:
        manifest = await recover(folder)
    except EscutaError as error:
        return {"consultation_id": folder.name, "folder": str(folder), "error": str(error)}
    return {
        "consultation_id": manifest.consultation_id,
        "folder": str(folder),
        "duration_s": manifest.duration_s,
        "closed": manifest.closed,
        "files": [file.name for file in manifest.files],
    }


def _sentence(one: dict[str, Any]) -> str:
    return f"{one['duration_s']:.1f} s finalized, {len(one['files'])} files in {one['folder']}"
