"""Asks for entities, and has the rules stand in for a model that fails or takes too long."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from ..model.entities import Assertion, Entity
from ..model.errors import ChatModelDelayed, EscutaError
from ..model.events import SidecarState
from ..model.transcript import Utterance
from .entities.port import EntityExtractor, Passage

log = structlog.get_logger()

LATENCY_BOUNDS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
REST_S = 30.0
"""How long a model that failed is not asked."""
LAST_S = 2.0
"""Longest wait for a model once the consultation has ended."""
AT_ONCE = 8
"""Utterances read together at most."""


@dataclass(slots=True)
class EntityFigures:
    """What was found in this process since it began; `counts` are readings by latency, the last beyond all bounds.

    `discarded` is what a chat model named and cannot be used, by reason.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_S) + 1))
    latency_s: float = 0.0
    found: int = 0
    failed: int = 0
    discarded: Counter[str] = field(default_factory=Counter)

    def read(self, latency_s: float) -> None:
        """Count an utterance that was read."""
        self.counts[bisect_left(LATENCY_BOUNDS_S, latency_s)] += 1
        self.latency_s += latency_s


@dataclass(frozen=True, slots=True)
class ExtractionOptions:
    """Who finds entities, who stands in for it, and how long one answer may take. `now_s` is any steady clock."""

    extractor: EntityExtractor
    stand_in: EntityExtractor | None = None
    timeout_s: float = LAST_S
    figures: EntityFigures = field(default_factory=EntityFigures)
    now_s: Callable[[], float] = time.monotonic


class Extraction:
    """One consultation's extractor with its stand-in. It never raises for either."""

    def __init__(self, options: ExtractionOptions) -> None:
        self.state: SidecarState = "ok"
        self.detail = ""
        self.figures = options.figures
        self._options = options
        self._not_before_s = 0.0
        self._hurried = False
        self._limit: asyncio.Timeout | None = None

    async def of(self, passage: Passage) -> tuple[Sequence[Entity], str]:
        """Return what the wanted utterances name, and who found it."""
        options = self._options
        if options.now_s() >= self._not_before_s and not (self._hurried and options.stand_in):
            found = await self._ask(options.extractor, passage)
            if found is not None:
                return found, options.extractor.name
        if options.stand_in is None:
            return (), options.extractor.name
        return await self._local(options.stand_in, passage), options.stand_in.name

    def hurry(self) -> None:
        """The consultation has ended: wait no longer than `LAST_S` for a model, and ask it no more."""
        self._hurried = True
        if self._limit is not None:
            soon_s = asyncio.get_running_loop().time() + LAST_S
            self._limit.reschedule(min(soon_s, self._limit.when() or soon_s))

    async def aclose(self) -> None:
        """Close both."""
        for extractor in (self._options.extractor, self._options.stand_in):
            if extractor is None:
                continue
            try:
                async with asyncio.timeout(LAST_S):
                    await extractor.aclose()
            except Exception as error:
                log.warning("entities.close_failed", extractor=extractor.name, error=type(error).__name__)

    async def _ask(self, extractor: EntityExtractor, passage: Passage) -> Sequence[Entity] | None:
        timeout_s = self._options.timeout_s
        try:
            async with asyncio.timeout(timeout_s) as self._limit:
                found = await extractor.extract(passage)
        except (TimeoutError, ChatModelDelayed):
            self._note("delayed", f"The chat model did not answer within {timeout_s:g} s.")
        except EscutaError as error:
            self._note("failing", str(error))
        except Exception as error:
            log.warning("entities.extractor_failed", extractor=extractor.name, error=type(error).__name__)
            self._note("failing", f"Entities from {extractor.name} failed ({type(error).__name__}).")
        else:
            self.state, self.detail = "ok", ""
            return found
        finally:
            self._limit = None
        return None

    async def _local(self, stand_in: EntityExtractor, passage: Passage) -> Sequence[Entity]:
        try:
            return await stand_in.extract(passage)
        except Exception as error:
            self.figures.failed += 1
            log.warning("entities.extractor_failed", extractor=stand_in.name, error=type(error).__name__)
            return ()

    def _note(self, state: SidecarState, detail: str) -> None:
        self.figures.failed += 1
        self.state, self.detail = state, detail
        if self._options.stand_in is not None:
            self._not_before_s = self._options.now_s() + REST_S


def asked_in(utterances: Sequence[Utterance], known: Iterable[Entity]) -> list[Entity]:
    """Return what `utterances` ask and nothing has answered yet."""
    ids = {utterance.id for utterance in utterances}
    return [one for one in known if one.assertion is Assertion.ASKED and one.utterance_id in ids]


async def entities_of(utterances: Sequence[Utterance], options: ExtractionOptions, before: int = 4) -> list[Entity]:
    """Return what a whole transcript names, each entity as it stands last; others get their turn in between."""
    extraction = Extraction(options)
    said = sorted(utterances, key=lambda one: one.start_s)
    known: dict[str, Entity] = {}
    try:
        for first in range(0, len(said), AT_ONCE):
            wanted = said[first : first + AT_ONCE]
            around = said[max(0, first - before) : first + AT_ONCE]
            passage = Passage(around, frozenset(one.id for one in wanted), asked_in(around, known.values()))
            found, _ = await extraction.of(passage)
            known.update((entity.id, entity) for entity in found)
            await asyncio.sleep(0)
    finally:
        await extraction.aclose()
    return list(known.values())
