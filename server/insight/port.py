"""What tips are made from, and what a chat model must do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..model.consultation import Agent, Language
from ..model.insight import Tip
from ..model.transcript import Utterance


@dataclass(frozen=True, slots=True)
class Usage:
    """What one answer cost."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    latency_s: float


@dataclass(frozen=True, slots=True)
class Reply:
    """A chat model's answer, parsed from the JSON it was asked for."""

    content: Mapping[str, Any]
    usage: Usage


class ChatModel(Protocol):
    """Text in, JSON out."""

    name: str

    async def complete(self, *, system: str, user: str, schema: Mapping[str, Any]) -> Reply:
        """Return an answer that fits `schema` (JSON Schema).

        Raises:
            ChatModelUnavailable: If no usable answer came in time; the message says why, without the prompt.
        """

    async def aclose(self) -> None:
        """Close connections."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a tip generator may look at: settled utterances in room order, newest last."""

    language: Language
    utterances: Sequence[Utterance]
    agent: Agent
    given: Sequence[Tip] = ()


class TipGenerator(Protocol):
    """Dialogue in, tips out."""

    name: str

    async def consider(self, dialogue: Dialogue) -> Sequence[Tip]:
        """Return new tips about the newest utterances; each names its evidence. Empty is a good answer.

        Raises:
            ChatModelUnavailable: If it depends on a model that does not answer.
        """

    async def aclose(self) -> None:
        """Close connections."""
