"""What an extractor of entities must do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ...model.entities import Entity
from ...model.transcript import Utterance


@dataclass(frozen=True, slots=True)
class Passage:
    """Utterances in room order: those in `wanted` are to be read, the others tell what they answer.

    `asked` is what was asked in them and is not answered yet, as far as it is known.
    """

    utterances: Sequence[Utterance]
    wanted: frozenset[str]
    asked: Sequence[Entity] = field(default=())


class EntityExtractor(Protocol):
    """Words in, entities out."""

    name: str

    async def extract(self, passage: Passage) -> Sequence[Entity]:
        """Return what the wanted utterances name, and anew what they settle of questions before (with `answer_id`).

        Every entity's text stands literally in its utterance, at its place.

        Raises:
            ChatModelUnavailable: If it depends on a model that does not answer.
        """

    async def aclose(self) -> None:
        """Close connections."""
