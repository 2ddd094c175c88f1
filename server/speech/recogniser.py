"""What a model that reads whole utterances must do; `transcriber` makes a stream of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..model.transcript import Word
from .port import Pcm


@dataclass(frozen=True, slots=True)
class Request:
    """One utterance, or the beginning of one, to be read.

    `language` None: detect it. `settled` are words already shown as certain, with which the samples begin, and so
    does what is read of them. `before` is what was said right before the samples.
    """

    samples: Pcm
    language: str | None
    final: bool
    prompt: str = ""
    settled: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What the model read. Word times are seconds from the request's first sample.

    `languages` are the likeliest languages and their probability when the request named none.
    `provider` is who read it instead of the one asked, empty otherwise.
    """

    text: str
    words: tuple[Word, ...] = ()
    language: str = ""
    languages: tuple[tuple[str, float], ...] = ()
    average_log_probability: float = 0.0
    no_speech_probability: float = 0.0
    looped: bool = False
    provider: str = ""


class Recogniser(Protocol):
    """A loaded model. Called from at most `readers` threads at a time, a number that `load` settles."""

    name: str

    @property
    def readers(self) -> int:
        """How many requests it reads at once without any slowing the others."""

    def load(self) -> None:
        """Load what is needed. Blocks.

        Raises:
            SpeechUnavailable: If the model cannot be used; the message says why and what to do.
        """

    def recognise(self, request: Request) -> Hypothesis:
        """Read one request. Blocks."""

    def unload(self) -> None:
        """Free the model."""
