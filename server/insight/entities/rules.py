"""Entities by the vocabularies and grammars of this package: no model, no network."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.entities import Entity
from ..languages import LANGUAGES
from . import mentions
from .extract import extract
from .port import Passage

NAME = "rules"
BEFORE = 3
"""Utterances that tell what the next one answers."""


class RuleExtractor:
    """About a millisecond an utterance; never suspends."""

    name = NAME

    async def extract(self, passage: Passage) -> Sequence[Entity]:
        """Return what the wanted utterances name, and what they settle."""
        said = passage.utterances
        found: list[Entity] = []
        for i, utterance in enumerate(said):
            if utterance.id in passage.wanted:
                found += extract(utterance, said[max(0, i - BEFORE) : i])
        return found

    async def aclose(self) -> None:
        """Nothing to close."""


def prepare() -> None:
    """Compile the vocabularies, about half a second a language, so that no consultation meets it first."""
    for language in LANGUAGES:
        mentions.prepare(language)
