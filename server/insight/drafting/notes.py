"""What a consultation has settled so far: kept while it is live, so that its end has nothing left to read."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Sequence

from ...model.consultation import Role
from ...model.entities import Assertion, Entity, EntityCategory
from ...model.transcript import Utterance
from ..entities.extract import extract
from ..findings import Heard, read
from ..languages import known_language
from ..text import tokenize
from .stated import folded
from .templates import phrases

BEFORE = 3
"""Utterances before one that may ask what it answers."""


class Notes:
    """Everything understood of one consultation: about 2 ms an utterance, in whatever order they come."""

    def __init__(self, said: Iterable[Utterance] = ()) -> None:
        self._said: list[Utterance] = []
        self._by_id: dict[str, Utterance] = {}
        self._entities: dict[str, tuple[Entity, ...]] = {}
        self._heard: dict[str, Heard] = {}
        for utterance in sorted(said, key=_when):
            self.hear(utterance)

    @property
    def said(self) -> Sequence[Utterance]:
        """What was said, in room order."""
        return self._said

    @property
    def language(self) -> str:
        """The language that most of it was said in: "pt" or "en"."""
        counted = Counter(known_language(one.language) for one in self._said)
        return counted.most_common(1)[0][0] if counted else "en"

    def utterance(self, utterance_id: str) -> Utterance | None:
        """Return one utterance."""
        return self._by_id.get(utterance_id)

    def hear(self, utterance: Utterance) -> None:
        """Take an utterance; one that comes late is read again together with those that may answer it."""
        if utterance.id in self._by_id:
            return
        self._by_id[utterance.id] = utterance
        insort(self._said, utterance, key=_when)
        at = self._said.index(utterance)
        self._heard[utterance.id] = read(utterance, known_language(utterance.language))
        for i in range(at, min(at + BEFORE + 1, len(self._said))):
            one = self._said[i]
            self._entities[one.id] = extract(one, self._said[max(0, i - BEFORE) : i])

    def copy(self) -> Notes:
        """Return these notes as they are now, to be read elsewhere while these go on."""
        same = Notes()
        same._said, same._by_id = list(self._said), dict(self._by_id)
        same._entities, same._heard = dict(self._entities), dict(self._heard)
        return same

    def entities(self) -> list[Entity]:
        """Return every mention in room order, each as the last word on it."""
        latest: dict[str, Entity] = {}
        for one in self._said:
            for entity in self._entities[one.id]:
                latest[entity.id] = entity
        return [self._as_meant(entity) for entity in latest.values()]

    def _as_meant(self, entity: Entity) -> Entity:
        """Return a clinician's guess as one: "I think it's a UTI or cystitis" asks nothing."""
        if entity.category is not EntityCategory.DIAGNOSIS or entity.assertion is not Assertion.ASKED:
            return entity
        said = self._by_id[entity.utterance_id]
        spoken = tokenize(said.text)
        sentence = next((token.sentence for token in spoken.tokens if token.end > entity.start), 0)
        words = {token.norm for token in spoken.tokens if token.sentence == sentence}
        hedges = folded(phrases(known_language(said.language)).cues.hedges)
        if said.role is not Role.CLINICIAN or sentence in spoken.questions or not words & hedges:
            return entity
        return entity.model_copy(update={"assertion": Assertion.POSSIBLE})

    def heard(self) -> list[Heard]:
        """Return what the rules of the tips found in each utterance, in room order."""
        return [self._heard[one.id] for one in self._said]


def _when(utterance: Utterance) -> tuple[float, float, str]:
    return utterance.start_s, utterance.end_s, utterance.id
