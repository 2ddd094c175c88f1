"""What a dialogue has settled so far, kept as it grows: entities, and of each thing the last word on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..model.entities import Assertion, Entity
from ..model.transcript import Utterance
from .entities.extract import extract

BEFORE = 3
MOST = 80
"""Facts, or entities, told to a model at once; the newest."""
_OPEN = frozenset({Assertion.ASKED, Assertion.SUPPOSED})


class Notes:
    """One consultation's. Reading an utterance takes about a millisecond."""

    def __init__(self) -> None:
        self._entities: dict[str, Entity] = {}

    def add(self, utterance: Utterance, before: Sequence[Utterance]) -> tuple[Entity, ...]:
        """Return what `utterance` names, and what it settles of the question before it."""
        found = extract(utterance, before[-BEFORE:])
        for entity in found:
            self._entities.pop(entity.id, None)
            self._entities[entity.id] = entity
        return found

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Every mention, as its last word stands."""
        return tuple(self._entities.values())

    def facts(self) -> list[dict[str, Any]]:
        """Return what stands, one for each thing: the newest assertion that leaves nothing open."""
        latest: dict[tuple[str, str], Entity] = {}
        for entity in self._entities.values():
            if entity.assertion not in _OPEN:
                key = (entity.category.value, entity.normal or entity.text.lower())
                latest.pop(key, None)
                latest[key] = entity
        return [_told(entity) for entity in list(latest.values())[-MOST:]]

    def of(self, utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
        """Return what is named in `utterances`."""
        ids = {utterance.id for utterance in utterances}
        return [_told(entity) for entity in self._entities.values() if entity.utterance_id in ids][-MOST:]


def _told(entity: Entity) -> dict[str, Any]:
    return {
        "category": entity.category.value,
        "name": entity.name or entity.normal or entity.text,
        "assertion": entity.assertion.value,
        "utterance_id": entity.utterance_id,
    }
