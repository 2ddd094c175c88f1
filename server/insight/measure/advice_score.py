"""Red flags raised against those that must be, and how soon after its final a tip of the rules is there."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ...model.advice_events import Interaction
from ...model.consultation import Agent
from ...model.events import SidecarState
from ...model.insight import Tip, TipKind
from ..advisor import Advisor
from ..entities.mentions import prepare
from ..giving import AdvisorOptions
from ..languages import LANGUAGES
from ..providers.rules import Rules
from .consultations import Consultation
from .entity_score import share

AGENT = Agent(id="bench", name="Bench")


@dataclass(slots=True)
class FlagScore:
    """Counts over any number of consultations, and what went wrong."""

    consultations: int = 0
    expected: int = 0
    found: int = 0
    false_alarms: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        """Return everything as one JSON object."""
        return {
            "expected": self.expected,
            "found": self.found,
            "recall": share(self.found, self.expected),
            "false_alarms": sum(self.false_alarms),
            "false_alarms_a_consultation": round(sum(self.false_alarms) / max(1, self.consultations), 2),
            "most_in_one": max(self.false_alarms, default=0),
            "wrong": self.wrong,
        }


def red_flags(held: Sequence[Consultation]) -> FlagScore:
    """Return how well the rules raise what must be raised, and nothing else."""
    score = FlagScore()
    for one in held:
        raised = {tip.subject: tip for tip in advised(one) if tip.kind is TipKind.RED_FLAG}
        expected = one.red_flags or ()
        score.consultations += 1
        score.expected += len(expected)
        missed = [group for group in expected if not group & set(raised)]
        score.found += len(expected) - len(missed)
        score.wrong += [
            f"{one.name}: missed {' or '.join(sorted(group)) or 'what its reference says'}" for group in missed
        ]
        false = [tip for subject, tip in raised.items() if not any(subject in group for group in expected)]
        score.false_alarms.append(len(false))
        score.wrong += [
            f"{one.name}: false {tip.subject} on {[cited.quote for cited in tip.evidence]}" for tip in false
        ]
    return score


def latency(held: Sequence[Consultation]) -> dict[str, float]:
    """Return milliseconds from a final's arrival to each tip that it brought, through the whole advisor.

    `p50_ms` and `p95_ms` are processor time, which other work on the machine leaves alone; `wall_…` is the clock's.
    """
    for language in LANGUAGES:
        prepare(language)
    found = {
        name: _cuts([tip.latency_s * 1000 for one in held for tip in advised(one, clock)])
        for name, clock in (("", time.process_time), ("wall_", time.monotonic))
    }
    return {f"{name}{key}": value for name, cuts in found.items() for key, value in cuts.items()}


def _cuts(spent: Sequence[float]) -> dict[str, float]:
    cuts = statistics.quantiles(spent, n=100) if len(spent) > 1 else [*spent, 0.0][:1] * 99
    return {
        "p50_ms": round(cuts[49], 2),
        "p95_ms": round(cuts[94], 2),
        "max_ms": round(max(spent, default=0.0), 2),
    }


def advised(consultation: Consultation, now_s: Callable[[], float] = time.monotonic) -> list[Tip]:
    """Return every tip that the rules give as the dialogue goes on."""
    return asyncio.run(_advised(consultation, now_s))


async def _advised(consultation: Consultation, now_s: Callable[[], float]) -> list[Tip]:
    listener = _Listener()
    advisor = Advisor(AdvisorOptions(Rules(), None, AGENT, "auto", 10.0, now_s), listener)
    running = asyncio.create_task(advisor.run())
    for utterance in consultation.utterances:
        advisor.heard(utterance)
        for _ in range(5):
            await asyncio.sleep(0)
    await advisor.close()
    await running
    return listener.tips


class _Listener:
    """Keeps the tips."""

    def __init__(self) -> None:
        self.tips: list[Tip] = []

    def on_tip(self, tip: Tip) -> None:
        """Keep it."""
        self.tips.append(tip)

    def on_state(self, state: SidecarState, detail: str) -> None:
        """A fault of the rules must not pass for a silent consultation."""
        if state != "ok":
            raise RuntimeError(detail)

    def on_interaction(self, interaction: Interaction) -> None:
        """Of no interest here."""

    def on_spent(self, calls: int, tokens: int) -> None:
        """Of no interest here."""
