"""The chat model that makes tips, where one is set: whether it answers, and how well it does what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...model.errors import InvalidSettings
from ...settings import Settings
from .finding import Finding, fail, ok, warn

if TYPE_CHECKING:
    from ...insight.chat.probe import Probe

ANSWER_TIMEOUT_S = 60.0
"""Longest wait for all questions together; a server may have to load its model first."""
_TIP_TOKENS = 150
_MOST_NAMES = 5


async def check(settings: Settings) -> Finding:
    """Tell what the endpoint can do, from a fixed sentence: nothing of a consultation is sent, no key is shown."""
    from ...insight.chat.failure import Failed
    from ...insight.chat.probe import probe
    from ...insight.create import OPENAI_COMPATIBLE, options_of, provider_name
    from ...insight.providers.openai_compatible import check as check_options

    if provider_name(settings) != OPENAI_COMPATIBLE:
        return ok("No chat model is set: tips come from the built-in rules.")
    options = options_of(settings, None)
    try:
        check_options(options)
        found = await probe(options, ANSWER_TIMEOUT_S)
    except InvalidSettings as error:
        return fail(str(error))
    except Failed as failed:
        return fail(f"{options.base_url} as {options.model} {failed.reason}.")
    said = f"{options.base_url} answers as {options.model}: {_abilities(found)}; {_speed(found)}."
    advice = _advice(found, settings)
    return warn(" ".join([said, *advice])) if advice else ok(said)


def _abilities(found: Probe) -> str:
    dialect = found.dialect
    forms = {
        "json_schema": "takes JSON schemas but does not hold to them"
        if dialect.schema_told
        else "holds to JSON schemas",
        "json_object": "has JSON mode but no schemas",
        "text": "has neither JSON schemas nor JSON mode",
    }
    streams = "streams" if found.streams else "does not stream"
    counts = "counts its tokens" if found.counts_tokens else "does not count its tokens (they are estimated)"
    return f"it {streams}, {forms[dialect.mode]}, {counts}"


def _speed(found: Probe) -> str:
    loaded = f" ({found.load_s:.1f} s for the first answer)" if found.load_s > max(2.0, 2 * found.first_token_s) else ""
    first = f"first token of {found.prompt_tokens} tokens' prompt after {found.first_token_s:.2f} s{loaded}"
    return f"{first}, then {1000 * found.token_s:.0f} ms a token" if found.streams else first


def _advice(found: Probe, settings: Settings) -> list[str]:
    """Return what to set or do, a sentence each."""
    advice = []
    if found.listed is not None and settings.llm_model not in found.listed:
        names = ", ".join(found.listed[:_MOST_NAMES]) or "none"
        advice.append(f"It does not list that model: check LLM_MODEL (it lists {names}).")
    if not found.streams:
        advice.append("Tips appear only when an answer is complete: serve the model where it can stream.")
    if found.dialect.mode != "json_schema" or found.dialect.schema_told:
        advice.append(
            "Answers may lack the form asked for: serve it with schemas (llama.cpp, vLLM, Ollama 0.5 or newer)."
        )
    tip_s = found.first_token_s + _TIP_TOKENS * found.token_s
    if tip_s > settings.llm_timeout_s / 2:
        advice.append(
            f"A tip takes about {tip_s:.0f} s of the {settings.llm_timeout_s:g} s it may: set LLM_TIMEOUT_S to "
            f"{max(1, round(3 * tip_s))}, or serve a smaller model."
        )
    if settings.llm_first_token_s is not None and found.first_token_s > settings.llm_first_token_s:
        advice.append(f"LLM_FIRST_TOKEN_S is too short: set it to {max(1, round(2 * found.first_token_s))} or more.")
    return advice
