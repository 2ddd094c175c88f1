"""What a speech provider must do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..model.transcript import Word

Pcm = NDArray[np.float32]
"""Mono samples at 16 kHz in [-1, 1], shape (n,)."""


@dataclass(frozen=True, slots=True)
class OpenUtterance:
    """An utterance of which interims were shown, and the words that had settled. Times: room clock."""

    utterance_id: str
    start_s: float
    end_s: float
    settled: str


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How one participant is to be heard. `language` None: detected once, then fixed. `provider` None: the owner's.

    Streams that name the same `room` hear each other's voices where these leak; empty: nobody else is there.
    `resume` is what an earlier stream of this participant, which died, had begun: its audio comes again.
    """

    language: str | None = "pt"
    sensitivity: float = 0.5
    prompt: str = ""
    provider: str | None = None
    room: str = ""
    resume: tuple[OpenUtterance, ...] = ()


@dataclass(frozen=True, slots=True)
class Interim:
    """What seems to be said; replaces the last interim of the same utterance. Times: room clock."""

    utterance_id: str
    start_s: float
    end_s: float
    text: str
    settled_chars: int
    language: str


@dataclass(frozen=True, slots=True)
class Final:
    """What was said; never changes. `text` may be empty: the interims of this utterance were nothing.

    `provider` is who stood in for the one asked for, empty otherwise.
    """

    utterance_id: str
    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...]
    language: str
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of audio that was not listened to."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class StateChanged:
    """How recognition is doing as a whole."""

    state: Literal["ok", "starting", "delayed", "failing"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ServiceChanged:
    """How the service elsewhere that reads this stream is doing, and what became of it.

    `fallback`: the local model stands in. `unreachable`: nobody does, there are no captions.
    """

    state: Literal["ok", "delayed", "failing"]
    reason: Literal["", "fallback", "unreachable"] = ""


SpeechEvent = Interim | Final | Gap | StateChanged | ServiceChanged


class SpeechStream(Protocol):
    """One participant's audio in, one participant's words out."""

    def push_pcm(self, samples: Pcm, start_s: float) -> None:
        """Take samples whose first one sounded at room time `start_s`. Never blocks, never raises.

        A `start_s` later than the end of what came before is silence in between.
        """

    def flush(self) -> None:
        """Settle the running utterance now, as if silence followed."""

    def end_input(self) -> None:
        """No more audio comes; the iteration ends after the last final."""

    def __aiter__(self) -> AsyncIterator[SpeechEvent]: ...

    async def __anext__(self) -> SpeechEvent: ...

    async def aclose(self) -> None:
        """Give everything back; what was not settled is lost."""


class SpeechToText(Protocol):
    """A recogniser that several participants share."""

    name: str

    async def start(self) -> None:
        """Load what is needed.

        Raises:
            SpeechUnavailable: If the model or service cannot be used; the message says why and what to do.
        """

    async def open(self, options: StreamOptions) -> SpeechStream:
        """Open a stream for one participant.

        Raises:
            SpeechUnavailable: If recognition is not running.
        """

    async def aclose(self) -> None:
        """End every stream and free the model."""
