"""Decides when to ask for tips, asks once at a time, and keeps a slow or failing model away from everyone."""

from __future__ import annotations

import asyncio
import time
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from ..model.consultation import Agent, Language
from ..model.errors import ChatModelDelayed, EscutaError
from ..model.events import SidecarState
from ..model.insight import Audience, Tip, TipMark
from ..model.transcript import Utterance
from .port import Dialogue, TipGenerator
from .sameness import Given
from .smalltalk import says_something

log = structlog.get_logger()

LOCAL_S = 2.0
"""Longest wait for the fallback, and for anything once the consultation has ended."""
SUPERSEDED_WITHIN = 1 / 3
"""Share of the time-out within which newer words replace a request; later it may finish, or it never would."""


@dataclass(frozen=True, slots=True)
class AdvisorOptions:
    """What one consultation's advisor works with. `now_s` is any steady clock."""

    generator: TipGenerator
    fallback: TipGenerator | None
    agent: Agent
    language: Language
    timeout_s: float
    now_s: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class AdvisorCounters:
    """What an advisor did."""

    asked: int = 0
    superseded: int = 0
    delayed: int = 0
    failed: int = 0
    repeated: int = 0
    given: int = 0
    callback_errors: int = 0


@dataclass(frozen=True, slots=True)
class _Batch:
    """Utterances waiting to be considered, and when each was heard."""

    heard_s: dict[str, float] = field(default_factory=dict)

    @property
    def since_s(self) -> float:
        return min(self.heard_s.values())


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a generator gave, and how it is doing."""

    tips: Sequence[Tip] = ()
    state: SidecarState = "ok"
    detail: str = ""


class Advisor:
    """One consultation's. `heard` and `marked` never block; `run` does the work."""

    def __init__(
        self,
        options: AdvisorOptions,
        on_tip: Callable[[Tip], None],
        on_state: Callable[[SidecarState, str], None],
    ) -> None:
        self.counters = AdvisorCounters()
        self.state: SidecarState = "ok"
        self._options = options
        self._on_tip = on_tip
        self._on_state = on_state
        self._utterances: list[Utterance] = []
        self._given = Given()
        self._waiting = _Batch()
        self._asking: tuple[_Batch, asyncio.Task[_Outcome]] | None = None
        self._wake = asyncio.Event()
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()

    def heard(self, utterance: Utterance) -> None:
        """Take a final transcript; asks for tips if it says something new. Never blocks."""
        before = next((one for one in reversed(self._utterances) if one.role is not utterance.role), None)
        insort(self._utterances, utterance, key=lambda one: one.start_s)
        if not says_something(utterance, before):
            return
        now_s = self._options.now_s()
        self._waiting.heard_s[utterance.id] = now_s
        self._wake.set()
        if self._asking is not None:
            batch, request = self._asking
            if now_s - batch.since_s < self._options.timeout_s * SUPERSEDED_WITHIN:
                request.cancel()

    def marked(self, tip: Tip, mark: TipMark) -> None:
        """Note what a reader did with a tip: what was dismissed does not return in other words either."""
        self._given.add(tip)
        if mark is TipMark.DISMISSED:
            self._given.dismiss(tip)

    def restore(self, utterances: Sequence[Utterance], given: Sequence[Tip]) -> None:
        """Take over what was said and given in the consultation's earlier life, without asking about it."""
        self._utterances = sorted([*utterances, *self._utterances], key=lambda one: one.start_s)
        for tip in given:
            self._given.add(tip)

    async def run(self) -> None:
        """Consider what is heard until closed or cancelled. A failing generator never ends it."""
        self._idle.clear()
        try:
            while await self._something_waits():
                batch, self._waiting = self._waiting, _Batch()
                await self._consider(batch)
        finally:
            self._idle.set()

    async def close(self) -> None:
        """Let the last words be considered, briefly; then end `run` and close the generators. Idempotent."""
        self._closing = True
        self._wake.set()
        if self._asking is not None:
            self._asking[1].cancel()
        await self._idle.wait()
        for generator in (self._options.generator, self._options.fallback):
            if generator is not None:
                await self._contain_close(generator)

    async def _something_waits(self) -> bool:
        while not self._waiting.heard_s:
            if self._closing:
                # The bus hands over its last finals in the loop's next rounds.
                for _ in range(3):
                    await asyncio.sleep(0)
                return bool(self._waiting.heard_s)
            self._wake.clear()
            await self._wake.wait()
        return True

    async def _consider(self, batch: _Batch) -> None:
        options = self._options
        if self._closing:
            await self._serve(options.fallback or options.generator, batch)
            return
        served = self.state != "ok"
        if options.fallback is not None:
            # A red flag waits for no model; while the model is away nothing does, and it is asked as a probe.
            await self._serve(options.fallback, batch, urgent_only=not served)
        outcome = await self._ask(batch)
        if outcome is None:
            self._waiting = _Batch(batch.heard_s | self._waiting.heard_s)
            return
        self._set_state(outcome.state, outcome.detail)
        self._give(outcome.tips, batch)
        if outcome.state != "ok" and options.fallback is not None and not served:
            await self._serve(options.fallback, batch)

    async def _ask(self, batch: _Batch) -> _Outcome | None:
        """Ask the generator. Return None if newer words, or the end, came first."""
        self.counters.asked += 1
        request = asyncio.create_task(self._generate(self._options.generator, self._options.timeout_s))
        self._asking = (batch, request)
        try:
            await asyncio.wait({request})
        finally:
            self._asking = None
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)
        if request.cancelled():
            self.counters.superseded += 1
            return None
        return request.result()

    async def _serve(self, generator: TipGenerator, batch: _Batch, *, urgent_only: bool = False) -> None:
        """Give what a local generator says about this batch; older subjects were the model's to judge."""
        outcome = await self._generate(generator, LOCAL_S)
        about_it = [tip for tip in outcome.tips if any(e.utterance_id in batch.heard_s for e in tip.evidence)]
        self._give([tip for tip in about_it if tip.urgent or not urgent_only], batch)

    async def _generate(self, generator: TipGenerator, timeout_s: float) -> _Outcome:
        dialogue = Dialogue(
            language=self._options.language,
            utterances=tuple(self._utterances),
            agent=self._options.agent,
            given=self._given.tips,
        )
        try:
            async with asyncio.timeout(timeout_s):
                return _Outcome(await generator.consider(dialogue))
        except (TimeoutError, ChatModelDelayed):
            self.counters.delayed += 1
            return _Outcome(state="delayed", detail=f"The chat model did not answer within {timeout_s:g} s.")
        except EscutaError as error:
            self.counters.failed += 1
            return _Outcome(state="failing", detail=str(error))
        except Exception as error:
            self.counters.failed += 1
            log.warning("insight.generator_failed", generator=generator.name, error=type(error).__name__)
            return _Outcome(state="failing", detail=f"Tips from {generator.name} failed ({type(error).__name__}).")

    def _give(self, tips: Sequence[Tip], batch: _Batch) -> None:
        now_s = self._options.now_s()
        for tip in tips:
            if self._given.repeats(tip):
                self.counters.repeated += 1
                continue
            cited = [batch.heard_s[e.utterance_id] for e in tip.evidence if e.utterance_id in batch.heard_s]
            heard_s = max(cited, default=max(batch.heard_s.values()))
            # Whatever a generator says, what it writes is for the clinician: no setting allows more at present.
            fit = tip.model_copy(update={"audience": Audience.CLINICIAN, "latency_s": max(0.0, now_s - heard_s)})
            self._given.add(fit)
            self.counters.given += 1
            self._tell(self._on_tip, fit)

    def _set_state(self, state: SidecarState, detail: str) -> None:
        if state != self.state:
            self.state = state
            self._tell(self._on_state, state, detail)

    def _tell(self, callback: Callable[..., None], *facts: object) -> None:
        try:
            callback(*facts)
        except Exception as error:
            self.counters.callback_errors += 1
            log.warning("insight.callback_failed", error=type(error).__name__)

    async def _contain_close(self, generator: TipGenerator) -> None:
        try:
            async with asyncio.timeout(LOCAL_S):
                await generator.aclose()
        except Exception as error:
            self.counters.failed += 1
            log.warning("insight.close_failed", generator=generator.name, error=type(error).__name__)
