"""What an endpoint can do, found out with two fixed questions: nothing of any consultation is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ..providers.options import ProviderOptions
from .dialect import Dialect, Endpoint
from .exchange import Exchange, Means
from .failure import Failed
from .wire import Wire

SENTENCE: Final = "The sun rises early and shines on the quiet river. "
SYSTEM: Final = "You test a connection. List the first eight words of the user's text, one item each."
SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "qz_words": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"qz_word": {"type": "string"}},
                "required": ["qz_word"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["qz_words"],
    "additionalProperties": False,
}
"""Nobody guesses these names: an answer that has them was held to the schema, or told of it."""
_LONG = 60
"""Times the sentence stands in the second question: about as long as what is asked for tips."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found. `listed` is None where there is no list of models."""

    listed: Sequence[str] | None
    dialect: Dialect
    streams: bool
    counts_tokens: bool
    model: str
    load_s: float
    first_token_s: float
    token_s: float
    prompt_tokens: int


async def probe(options: ProviderOptions, timeout_s: float) -> Probe:
    """Ask for the models, then something short, then something as long as what is asked for tips.

    Raises:
        Failed: If the endpoint cannot be used; the reason names the setting.
    """
    patient = replace(options, timeout_s=timeout_s, first_token_s=None, stall_s=timeout_s)
    wire = Wire(patient)
    means = Means(wire, patient, Endpoint(), asyncio.sleep, time.monotonic)
    try:
        async with asyncio.timeout(timeout_s):
            listed = await wire.models()
            short = Exchange(means, SYSTEM, SENTENCE, SCHEMA, None)
            first = (await short.run(time.monotonic())).usage
            # The number keeps a server from answering out of what it read for the last probe.
            long = Exchange(means, SYSTEM, f"{time.time_ns() % 10**9} {SENTENCE * _LONG}", SCHEMA, None)
            usage = (await long.run(time.monotonic())).usage
    except TimeoutError:
        pass
    else:
        first_token_s = usage.first_token_s if usage.first_token_s is not None else usage.latency_s
        return Probe(
            listed=listed,
            dialect=means.endpoint.dialect,
            streams=long.answer.streamed and long.answer.pieces > 1,
            counts_tokens=not usage.estimated,
            model=usage.model,
            load_s=first.first_token_s or 0.0,
            first_token_s=first_token_s,
            token_s=(usage.latency_s - first_token_s) / max(1, usage.completion_tokens - 1),
            prompt_tokens=usage.prompt_tokens,
        )
    finally:
        await wire.aclose()
    raise Failed(f"did not answer two short questions within {timeout_s:g} s: try a smaller model or a faster machine")
