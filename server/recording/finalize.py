"""Finishing a recording beside live calls: in a child process of low priority."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import structlog

from ..child import command
from ..model.errors import EscutaError
from .manifest import Manifest

_PROGRESS = b'{"progress":'
_LONGEST_LINE = 64 << 20
OnProgress = Callable[[float], None]

log = structlog.get_logger()


async def finalize(folder: Path, on_progress: OnProgress = lambda _: None) -> Manifest:
    """Make the files and the manifest of a closed (or crashed) recording; idempotent.

    `on_progress` hears how much is done (0 to 1), in steps of a hundredth or more. Cancelling ends the child
    process; the next attempt begins anew.

    Raises:
        EscutaError: Each as `render.finalize_now` raises it.
    """
    began = time.monotonic()
    child = await asyncio.create_subprocess_exec(
        *_command(folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    try:
        output, complaint = await asyncio.gather(
            _last_line(child, on_progress), cast(asyncio.StreamReader, child.stderr).read()
        )
        await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        raise _failure(folder, child.returncode, output, complaint)
    manifest = Manifest.model_validate_json(output)
    log.info(
        "recording.finalized",
        duration_s=round(manifest.duration_s, 3),
        gaps=sum(len(participant.gaps) for participant in manifest.participants),
        took_s=round(time.monotonic() - began, 3),
    )
    return manifest


async def _last_line(child: asyncio.subprocess.Process, on_progress: OnProgress) -> bytes:
    """Pass on what tells progress; return what was said last."""
    last = b""
    async for line in cast(asyncio.StreamReader, child.stdout):
        last = line
        if line.startswith(_PROGRESS):
            on_progress(float(json.loads(line)["progress"]))
    return last


def _command(folder: Path) -> tuple[str, ...]:
    return command("server.recording.__main__", str(folder.absolute()))


def _failure(folder: Path, status: int | None, output: bytes, complaint: bytes) -> EscutaError:
    try:
        said = json.loads(output)
        kind = _error_classes().get(said["code"], EscutaError)
        return kind(said["message"])
    except (ValueError, KeyError, TypeError):
        lines = complaint.decode(errors="replace").strip().splitlines() or ["no message"]
        return EscutaError(
            f"Recording {folder.name} was not finalized (exit status {status}: {lines[-1][:300]}): "
            f"its journal is kept; try again with `python -m server recover`."
        )


def _error_classes() -> dict[str, type[EscutaError]]:
    classes = {EscutaError.code: EscutaError}
    waiting = [EscutaError]
    while waiting:
        for child in waiting.pop().__subclasses__():
            classes[child.code] = child
            waiting.append(child)
    return classes
