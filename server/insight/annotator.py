"""Reads what is said for entities as it is said, beside the call, and gives what is new or stands otherwise."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from ..model.entities import Entity
from ..model.events import SidecarState
from ..model.transcript import Utterance
from .entities.port import Passage
from .extraction import AT_ONCE, Extraction, ExtractionOptions, asked_in

log = structlog.get_logger()

BEFORE = 4
"""Utterances before the first one read that tell what it answers."""
LATE = 2
"""Utterances after one that came late which are read again: they may answer it."""
UNSURE = 6
"""Newest utterances that are read again after a restart if nothing is known of them."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one utterance names or settles; `latency_s` after it was heard."""

    utterance_id: str
    entities: tuple[Entity, ...]
    provider: str
    latency_s: float


class Annotator:
    """One consultation's. `heard` never blocks; `run` does the work and ends after `finish`."""

    def __init__(
        self,
        options: ExtractionOptions,
        on_found: Callable[[Found], None],
        on_state: Callable[[SidecarState, str], None],
    ) -> None:
        self.known: dict[str, Entity] = {}
        """What was named so far, by id, as it stands now."""
        self._now_s = options.now_s
        self._extraction = Extraction(options)
        self._on_found = on_found
        self._on_state = on_state
        self._said: list[Utterance] = []
        self._waiting: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._finishing = False

    def heard(self, utterance: Utterance) -> None:
        """Take a final transcript. Never blocks."""
        insort(self._said, utterance, key=lambda one: one.start_s)
        now_s = self._now_s()
        self._waiting[utterance.id] = now_s
        late = self._said[self._said.index(utterance) + 1 :]
        for answer in late[:LATE]:
            if answer.role is not utterance.role:
                self._waiting.setdefault(answer.id, now_s)
        self._wake.set()

    def restore(self, utterances: Sequence[Utterance], entities: Sequence[Entity]) -> None:
        """Take over what was said and found in the consultation's earlier life; its last words may not be read yet."""
        self._said = sorted([*utterances, *self._said], key=lambda one: one.start_s)
        self.known = {entity.id: entity for entity in entities} | self.known
        read = {name for entity in entities for name in (entity.utterance_id, entity.answer_id)}
        for utterance in self._said[-UNSURE:]:
            if utterance.id not in read:
                self._waiting.setdefault(utterance.id, self._now_s())

    def finish(self) -> None:
        """Nothing more will be heard: `run` ends once everything is read, soon."""
        self._finishing = True
        self._extraction.hurry()
        self._wake.set()

    async def run(self) -> None:
        """Read what is heard until finished or cancelled."""
        try:
            while True:
                while self._waiting:
                    await self._read()
                if self._finishing:
                    return
                self._wake.clear()
                await self._wake.wait()
        finally:
            await self._extraction.aclose()

    async def _read(self) -> None:
        heard_s = {name: self._waiting.pop(name) for name in list(self._waiting)[:AT_ONCE]}
        first = next(i for i, one in enumerate(self._said) if one.id in heard_s)
        last = next(i for i in reversed(range(len(self._said))) if self._said[i].id in heard_s)
        around = self._said[max(0, first - BEFORE) : last + 1]
        before = self._extraction.state
        passage = Passage(around, frozenset(heard_s), asked_in(around, self.known.values()))
        found, provider = await self._extraction.of(passage)
        if self._extraction.state != before:
            self._on_state(self._extraction.state, self._extraction.detail)
        by_utterance: dict[str, dict[str, Entity]] = {name: {} for name in heard_s}
        for entity in found:
            by_utterance.setdefault(entity.answer_id or entity.utterance_id, {})[entity.id] = entity
        for name, entities in by_utterance.items():
            self._give(name, entities, provider, max(0.0, self._now_s() - heard_s.get(name, self._now_s())))

    def _give(self, utterance_id: str, entities: dict[str, Entity], provider: str, latency_s: float) -> None:
        figures = self._extraction.figures
        figures.read(latency_s)
        news = {name: entity for name, entity in entities.items() if self.known.get(name) != entity}
        if not news:
            return
        figures.found += len(news)
        self.known.update(news)
        self._on_found(Found(utterance_id, tuple(news.values()), provider, latency_s))
