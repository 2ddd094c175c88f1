"""One request at a time to one generator: within its time, and whatever becomes of it is known."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from ..model.advice_events import Interaction, Outcome, Purpose
from ..model.errors import ChatModelDelayed, ChatModelUnavailable, EscutaError
from ..model.events import SidecarState
from ..model.insight import Tip
from .call import Call, OverBudget

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a request: `tips` as the generator gave them, how it is doing, and what it cost."""

    call: Call
    generator: str
    outcome: Outcome
    tips: Sequence[Tip] = ()
    state: SidecarState = "ok"
    detail: str = ""
    over_budget: bool = False

    @property
    def asked_model(self) -> bool:
        """Whether a prompt was written, and so most likely sent."""
        return bool(self.call.prompt_version)


Work = Callable[[Call], Awaitable[Sequence[Tip]]]


async def ask(generator: str, work: Work, call: Call, timeout_s: float) -> Asked:
    """Do `work` within `timeout_s`. Raises nothing but CancelledError."""
    try:
        async with asyncio.timeout(timeout_s):
            tips = await work(call)
    except (TimeoutError, ChatModelDelayed) as error:
        _note_cost(call, error)
        detail = f"The chat model did not answer within {timeout_s:g} s."
        return Asked(call, generator, "delayed", state="delayed", detail=detail)
    except OverBudget:
        call.sent_tokens = 0
        return Asked(call, generator, "nothing", detail="It would have cost more than is left.", over_budget=True)
    except EscutaError as error:
        _note_cost(call, error)
        return Asked(call, generator, "failed", state="failing", detail=str(error))
    except Exception as error:
        log.warning("insight.generator_failed", generator=generator, error=type(error).__name__)
        detail = f"Tips from {generator} failed ({type(error).__name__})."
        return Asked(call, generator, "failed", state="failing", detail=detail)
    return Asked(call, generator, "answered" if tips else "nothing", tips)


def _note_cost(call: Call, error: Exception) -> None:
    """Let what a failed request cost count, where the model tells; what was sent counts in any case."""
    if isinstance(error, ChatModelUnavailable):
        call.sent_tokens = max(call.sent_tokens, error.spent_tokens)


def interaction(
    asked: Asked,
    purpose: Purpose,
    *,
    latency_s: float,
    heard: Iterable[str] = (),
    sources: dict[str, str] | None = None,
    given: Sequence[Tip] = (),
) -> Interaction:
    """Return what is kept of a request: nothing that was said, and no secret."""
    prompt_tokens, completion_tokens, estimated = asked.call.cost
    usage = asked.call.usage
    model = usage.model if usage is not None else next((tip.model for tip in asked.tips), "")
    return Interaction(
        id=uuid.uuid4().hex,
        purpose=purpose,
        generator=asked.generator,
        model=model,
        prompt_version=asked.call.prompt_version,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        estimated=estimated,
        latency_s=max(0.0, latency_s),
        outcome="nothing" if asked.outcome == "answered" and not given else asked.outcome,
        detail=asked.detail,
        heard=tuple(heard),
        sources=sources or {},
        discarded=asked.call.discarded + max(0, len(asked.tips) - len(given)),
        tip_ids=tuple(tip.id for tip in given),
    )
