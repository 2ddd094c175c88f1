"""The second pass over a recording, in a process of the lowest priority that stands still while it should."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from ..child import command
from ..model.consultation import Frozen, Role
from ..model.errors import SpeechUnavailable
from ..model.transcript import Utterance
from .options import ProviderOptions

log = structlog.get_logger()

LOOK_EVERY_S = 0.2
_UTTERANCES = TypeAdapter(tuple[Utterance, ...])


class Track(Frozen):
    """One voice's file; its first sample sounded at `start_s`."""

    role: Role
    path: Path
    start_s: float = 0.0


class SecondPassOrder(Frozen):
    """What to read, and by which model; travels to the child process as JSON. `language` None: detected."""

    provider: str
    options: ProviderOptions
    tracks: tuple[Track, ...]
    language: str | None = None
    sensitivity: float = 0.5


async def read_again(order: SecondPassOrder, is_busy: Callable[[], bool]) -> tuple[Utterance, ...]:
    """Return what was said, in the order of speech; stands still while `is_busy`. Cancelling ends the process.

    Raises:
        SpeechUnavailable: If it cannot be read; the message says why.
    """
    child = await asyncio.create_subprocess_exec(
        *command("server.speech.second_pass_worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            giving_way = tasks.create_task(_give_way(child, is_busy))
            answer, _ = await child.communicate(order.model_dump_json().encode())
            giving_way.cancel()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return _answered(answer, child.returncode)


async def _give_way(child: Process, is_busy: Callable[[], bool]) -> None:
    stands = False
    while child.returncode is None:
        if is_busy() is not stands:
            stands = not stands
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGSTOP if stands else signal.SIGCONT)
            log.info("second_pass.paused" if stands else "second_pass.resumed")
        await asyncio.sleep(LOOK_EVERY_S)


def _answered(answer: bytes, status: int | None) -> tuple[Utterance, ...]:
    try:
        said: dict[str, Any] = json.loads(answer)
        if "failed" in said:
            raise SpeechUnavailable(str(said["failed"]))
        return _UTTERANCES.validate_python(said["utterances"])
    except (ValueError, KeyError, TypeError, ValidationError):
        raise SpeechUnavailable(f"The second pass ended with exit status {status} and no transcript.") from None
