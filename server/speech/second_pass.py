"""The second pass over a recording, in a process of the lowest priority that stands still while it should."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from dataclasses import dataclass
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
    """One voice's file; its first sample sounded at `start_s`. One that ends before `duration_s` is not read."""

    role: Role
    path: Path
    start_s: float = 0.0
    duration_s: float = 0.0


class SecondPassOrder(Frozen):
    """What to read, and by which model; travels to the child process as JSON. `language` None: detected.

    `limit_s` is how long reading may take, standing still not counted.
    """

    provider: str
    options: ProviderOptions
    tracks: tuple[Track, ...]
    language: str | None = None
    sensitivity: float = 0.5
    limit_s: float = 3600.0

    @property
    def sound_s(self) -> float:
        """How much there is to read."""
        return sum(track.duration_s for track in self.tracks)


@dataclass(frozen=True, slots=True)
class SecondReading:
    """What was said, in the order of speech, and how long reading took, standing still not counted."""

    utterances: tuple[Utterance, ...]
    took_s: float


class _Watch:
    """Has the child stand still while somebody is in a call, and run no longer than its limit."""

    def __init__(self, child: Process, limit_s: float) -> None:
        self.ran_s = 0.0
        self._child = child
        self._limit_s = limit_s
        self._stands = False

    @property
    def overdue(self) -> bool:
        """Whether it has run for too long."""
        return self.ran_s > self._limit_s

    async def keep(self, is_busy: Callable[[], bool]) -> None:
        """Watch it until it ends."""
        looked_s = time.monotonic()
        while self._child.returncode is None and not self.overdue:
            if is_busy() is not self._stands:
                self._stands = not self._stands
                self._signal(signal.SIGSTOP if self._stands else signal.SIGCONT)
                log.info("second_pass.paused" if self._stands else "second_pass.resumed")
            await asyncio.sleep(LOOK_EVERY_S)
            now_s = time.monotonic()
            self.ran_s += 0.0 if self._stands else now_s - looked_s
            looked_s = now_s
        if self.overdue:
            log.warning("second_pass.killed", pid=self._child.pid, ran_s=round(self.ran_s))
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._child.send_signal(number)


async def read_again(order: SecondPassOrder, is_busy: Callable[[], bool]) -> SecondReading:
    """Return what was said; stands still while `is_busy`. Cancelling ends the process, as does its limit.

    Raises:
        SpeechUnavailable: If it cannot be read; the message says why.
    """
    child = await asyncio.create_subprocess_exec(
        *command("server.speech.second_pass_worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    watch = _Watch(child, order.limit_s)
    try:
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch.keep(is_busy))
            answer, _ = await child.communicate(order.model_dump_json().encode())
            watching.cancel()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if watch.overdue and child.returncode != 0:
        raise SpeechUnavailable(
            f"Reading {order.sound_s:.0f} s of sound took more than {order.limit_s:.0f} s: "
            "set a smaller SECOND_PASS_MODEL, or SECOND_PASS_LIMIT."
        )
    return SecondReading(_answered(answer, child.returncode), watch.ran_s)


def _answered(answer: bytes, status: int | None) -> tuple[Utterance, ...]:
    try:
        said: dict[str, Any] = json.loads(answer)
        if "failed" in said:
            raise SpeechUnavailable(str(said["failed"]))
        return _UTTERANCES.validate_python(said["utterances"])
    except (ValueError, KeyError, TypeError, ValidationError):
        raise SpeechUnavailable(f"The second pass ended with exit status {status} and no transcript.") from None
