"""The work on one voice: done here, or in a process of its own, so that two voices take the time of one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..model.consultation import Role
from ..model.errors import EscutaError
from ..model.recording_events import RecordingFile
from .manifest import Interval, ParticipantAudio
from .session import journal_path
from .track import read_track
from .voice import Voice

_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Outline:
    """What a journal says of the recording as a whole; times are room times, `packets` is how many came."""

    recorded: tuple[tuple[float, float | None], ...]
    closed_s: float | None
    last_packet_s: float | None
    last_s: float
    packets: int


@dataclass(frozen=True, slots=True)
class Order:
    """What to make: files of so many samples, so titled; gaps count in what was recorded."""

    samples: int
    title: str
    recorded: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was made of one voice."""

    files: tuple[RecordingFile, ...]
    account: ParticipantAudio


Blocks = Generator[NDArray[np.int16], None, None]


class Part(Protocol):
    """One voice. First its outline is read, then its blocks, then there is an outcome."""

    role: Role
    outcome: Outcome | None

    @property
    def outline(self) -> Outline:
        """What its journal says."""

    def blocks(self, order: Order) -> Blocks:
        """Write both files; yield the sound of each second once it is written (the last may be shorter)."""

    def close(self) -> None:
        """Leave it, whatever is left undone."""


Hire = Callable[[Path, Role], Part]


class PartHere:
    """A voice rendered by whoever asks for its blocks."""

    def __init__(self, folder: Path, role: Role) -> None:
        self.role = role
        self.outcome: Outcome | None = None
        self._folder = folder
        self._track = read_track(journal_path(folder, role))

    @property
    def outline(self) -> Outline:
        """What its journal says."""
        history, track = self._track.history, self._track
        return Outline(tuple(history.recorded), history.closed_s, track.last_packet_s, history.last_s, len(track.ticks))

    def blocks(self, order: Order) -> Blocks:
        """Write both files; yield the sound of each second once it is written."""
        with Voice(self._folder, self.role, self._track, order.samples) as voice:
            yield from voice.blocks(order.title)
        self.outcome = Outcome(tuple(voice.files()), voice.account(order.recorded))

    def close(self) -> None:
        """There is nothing to leave."""


class PartBeside:
    """A voice rendered by a forked process, ahead of who reads its blocks by as much as a pipe holds.

    Only for a process that has no other threads: they would not be there after the fork, but their locks would.
    """

    def __init__(self, folder: Path, role: Role) -> None:
        self.role = role
        self.outcome: Outcome | None = None
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._pipe, folder, role), daemon=True)
        self._process.start()
        theirs.close()

    @cached_property
    def outline(self) -> Outline:
        """What its journal says."""
        return cast(Outline, self._take())

    def blocks(self, order: Order) -> Blocks:
        """Pass on the sound of each second once it is written."""
        try:
            self._pipe.send(order)
        except BrokenPipeError as error:
            raise self._died() from error
        while not isinstance(block := self._take(), Outcome):
            yield np.frombuffer(cast(bytes, block), dtype="<i2")
        self.outcome = block

    def close(self) -> None:
        """End the process: with its pipe gone it has nobody to work for."""
        self._pipe.close()
        self._process.join(_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()

    def _take(self) -> object:
        try:
            answer = self._pipe.recv()
        except EOFError as error:
            raise self._died() from error
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _died(self) -> EscutaError:
        return EscutaError(f"The process that rendered the {self.role.value}'s voice died: try again.")


def _work(pipe: Connection, parents_end: Connection, folder: Path, role: Role) -> None:
    # The pipe breaks with the parent only if nobody else holds its end.
    parents_end.close()
    try:
        part = PartHere(folder, role)
        pipe.send(part.outline)
        with closing(part.blocks(pipe.recv())) as blocks:
            for block in blocks:
                pipe.send(block.tobytes())
        pipe.send(part.outcome)
    except (BrokenPipeError, EOFError):
        return
    except Exception as error:  # it is raised again where the blocks are read
        pipe.send(error)
