"""What tips are made from, and what a chat model must do.

A chat model is asked for one JSON object and returns it whole. Who wants the first tip before the last token passes
`on_item`: it is told of each item of the object's top-level arrays as soon as that item is complete. A tip generator
passes tips on in the same way, to `on_tip`. Both may be left out; what is returned stays the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..model.consultation import Agent, Language
from ..model.insight import Tip
from ..model.transcript import Utterance
from .background import Background
from .call import Call
from .notes import Notes


@dataclass(frozen=True, slots=True)
class Usage:
    """What one answer cost, everything that had to be asked again included.

    `estimated`: the endpoint did not tell its tokens, they were reckoned from the text.
    """

    model: str
    prompt_tokens: int
    completion_tokens: int
    latency_s: float
    estimated: bool = False
    first_token_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A chat model's answer, parsed from the JSON it was asked for."""

    content: Mapping[str, Any]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Item:
    """One complete item of a top-level array of an answer that may not be complete yet."""

    array: str
    value: Any
    model: str


OnItem = Callable[[Item], None]


def tell_items(content: Mapping[str, Any], model: str, on_item: OnItem | None) -> None:
    """Tell `on_item` of every item of a whole answer."""
    if on_item is None:
        return
    for array, values in content.items():
        for value in values if isinstance(values, list) else ():
            on_item(Item(array, value, model))


class ChatModel(Protocol):
    """Text in, JSON out."""

    name: str

    async def complete(
        self, *, system: str, user: str, schema: Mapping[str, Any], on_item: OnItem | None = None
    ) -> Reply:
        """Return an answer that fits `schema` (JSON Schema).

        `on_item` is told of every item in the reply before this returns, in order, equal ones once; where the model
        streams, as soon as an item is complete and fits its part of the schema. It runs in the event loop, and neither
        waits nor raises. When an answer breaks off and is asked for again, items of the first one were told too: they
        fit, but the reply may lack them, or say the same in other words.

        Raises:
            ChatModelUnavailable: If no usable answer came in time; the message says why, without the prompt, and
                `spent_tokens` what it cost nevertheless.
        """

    async def aclose(self) -> None:
        """Close connections."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a tip generator may look at: settled utterances in room order, newest last.

    `call` is where it notes, as it goes, what the request costs.
    """

    language: Language
    utterances: Sequence[Utterance]
    agent: Agent
    given: Sequence[Tip] = ()
    notes: Notes = field(default_factory=Notes)
    background: Background = field(default_factory=Background)
    call: Call = field(default_factory=Call)


OnTip = Callable[[Tip], None]


class TipGenerator(Protocol):
    """Dialogue in, tips out."""

    name: str

    async def consider(self, dialogue: Dialogue, on_tip: OnTip | None = None) -> Sequence[Tip]:
        """Return new tips about the newest utterances; each names its evidence. Empty is a good answer.

        A generator that gets them one by one tells `on_tip` of each as it comes; those are in the result as well, with
        the same id. Tips that were told of stand even if this raises later.

        Raises:
            ChatModelUnavailable: If it depends on a model that does not answer.
        """

    async def aclose(self) -> None:
        """Close connections."""
