"""What comes out of an advisor: what the agent may suggest, once, to the clinician; and a note of each request."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from ..model.advice_events import Interaction, Purpose
from ..model.consultation import Agent, Language
from ..model.events import SidecarState
from ..model.insight import Audience, Tip, TipKind
from .asking import Asked, interaction
from .budget import Budget
from .call import Call
from .dossier import Dossier
from .listener import AdviceListener
from .port import TipGenerator
from .waiting import Batch

log = structlog.get_logger()


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
    withheld: int = 0
    given: int = 0
    callback_errors: int = 0


def may_suggest(tip: Tip, agent: Agent) -> bool:
    """Tell whether the agent's record lets it be suggested."""
    if tip.kind is TipKind.EXPLANATION and agent.to_patient == "nothing":
        return False
    return tip.kind in agent.suggests


@dataclass(slots=True)
class Giving:
    """One consultation's way out. An explanation reaches the patient only through the room's `release`."""

    options: AdvisorOptions
    dossier: Dossier
    listener: AdviceListener
    budget: Budget
    counters: AdvisorCounters = field(default_factory=AdvisorCounters)
    state: SidecarState = "ok"
    _told_spent: bool = False

    def call(self) -> Call:
        """Return a request to be filled in."""
        return Call(tokens_left=self.budget.tokens_left)

    def give_early(self, call: Call, tip: Tip, batch: Batch) -> None:
        """Give a tip before the rest of its request has come."""
        call.told.append(tip)
        call.given += self._give([tip], batch)

    def finish(self, asked: Asked, batch: Batch, purpose: Purpose = "tips") -> None:
        """Give what may be given and was not yet, and note the request.

        What the rules considered without result is not worth a note.
        """
        given = asked.call.given
        told = {tip.id for tip in asked.call.told}
        given += self._give([tip for tip in asked.tips if tip.id not in told], batch)
        prompt_tokens, completion_tokens, _ = asked.call.cost
        self.budget.add(prompt_tokens + completion_tokens)
        if asked.outcome == "delayed":
            self.counters.delayed += 1
        elif asked.outcome == "failed":
            self.counters.failed += 1
        if given or asked.asked_model or asked.state != "ok":
            self._tell(self.listener.on_interaction, self._note(asked, batch, purpose, given))

    def say_state(self, state: SidecarState, detail: str = "") -> None:
        """Say how the generator does, if that has changed."""
        if state != self.state:
            self.state = state
            self._tell(self.listener.on_state, state, detail if state != "ok" else "")

    def say_spent(self) -> None:
        """Say once that the model is asked no more."""
        if not self._told_spent:
            self._told_spent = True
            self._tell(self.listener.on_spent, self.budget.calls, self.budget.tokens)

    def _note(self, asked: Asked, batch: Batch, purpose: Purpose, given: Sequence[Tip]) -> Interaction:
        return interaction(
            asked,
            purpose,
            latency_s=self.options.now_s() - batch.since_s,
            heard=() if purpose == "answer" else batch.heard_s,
            sources=dict(self.dossier.background.states) if asked.asked_model else {},
            given=given,
        )

    def _give(self, tips: Sequence[Tip], batch: Batch) -> list[Tip]:
        now_s = self.options.now_s()
        given = []
        for tip in tips:
            if not may_suggest(tip, self.options.agent):
                self.counters.withheld += 1
                continue
            is_answer = tip.kind is TipKind.ANSWER
            if not is_answer and self.dossier.given.repeats(tip):
                self.counters.repeated += 1
                continue
            cited = [batch.heard_s[e.utterance_id] for e in tip.evidence if e.utterance_id in batch.heard_s]
            heard_s = max(cited, default=max(batch.heard_s.values()))
            # Whatever a generator says, what it writes is for the clinician.
            fit = tip.model_copy(update={"audience": Audience.CLINICIAN, "latency_s": max(0.0, now_s - heard_s)})
            if not is_answer:
                self.dossier.given.add(fit)
            self.counters.given += 1
            given.append(fit)
            self._tell(self.listener.on_tip, fit)
        return given

    def _tell(self, callback: Callable[..., None], *facts: object) -> None:
        try:
            callback(*facts)
        except Exception as error:
            self.counters.callback_errors += 1
            log.warning("insight.callback_failed", error=type(error).__name__)
