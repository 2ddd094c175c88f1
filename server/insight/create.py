"""Choose what makes the tips: a chat model where one is configured, the rules everywhere else."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from importlib import import_module, util
from typing import Any, cast

from ..model.consultation import Agent
from ..model.errors import InvalidSettings
from ..settings import Settings
from .entities import rules as entity_rules
from .entities.mentions import prepare as prepare_entities
from .entities.port import EntityExtractor
from .knowledge_file import lexicon
from .languages import LANGUAGES
from .llm_entities import LlmExtractor
from .llm_tips import LlmTips
from .port import ChatModel, TipGenerator
from .providers import rules
from .providers.options import ProviderOptions
from .sources.file import sources

RULES = "rules"
OPENAI_COMPATIBLE = "openai_compatible"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def create_generator(settings: Settings, agent: Agent) -> tuple[TipGenerator, TipGenerator | None]:
    """Return what makes the tips, and what stands in for it when it fails (None for the rules themselves).

    An agent's `chat_model` is the model to ask for, or "rules".

    Raises:
        InvalidSettings: If LLM_PROVIDER names no provider, or one that lacks a setting.
    """
    options = options_of(settings, agent.chat_model)
    name = RULES if agent.chat_model == RULES else provider_name(settings)
    if name == RULES:
        return rules.create(options), None
    made = _provider(name).create(options)
    generator = cast(TipGenerator, made) if hasattr(made, "consider") else LlmTips(cast(ChatModel, made))
    return generator, rules.create(options)


def create_extractor(
    settings: Settings, agent: Agent, discarded: Counter[str] | None = None
) -> tuple[EntityExtractor, EntityExtractor | None]:
    """Return who finds entities, and who stands in for it when it fails (None for the rules themselves).

    An agent whose `chat_model` is "rules" has the rules, whatever the settings choose. `discarded` counts what a chat
    model names and cannot be used.

    Raises:
        InvalidSettings: As create_generator.
    """
    rules_alone = settings.entity_provider == RULES or RULES in (agent.chat_model, provider_name(settings))
    made = None if rules_alone else _provider(provider_name(settings)).create(options_of(settings, agent.chat_model))
    if made is None or not hasattr(made, "complete"):
        return entity_rules.RuleExtractor(), None
    return LlmExtractor(cast(ChatModel, made), discarded), entity_rules.RuleExtractor()


def create_chat_model(settings: Settings, agent: Agent) -> ChatModel | None:
    """Return the chat model that drafts reports of `agent`'s consultations; None where rules do.

    Raises:
        InvalidSettings: As create_generator.
    """
    name = RULES if agent.chat_model == RULES else provider_name(settings)
    if name == RULES:
        return None
    # What is long may begin late.
    options = replace(options_of(settings, agent.chat_model), timeout_s=settings.report_timeout_s, first_token_s=None)
    made = _provider(name).create(options)
    return cast(ChatModel, made) if hasattr(made, "complete") else None


def prepare(settings: Settings) -> None:
    """Check the provider's settings and the sources, and compile the knowledge: no consultation shall meet them first.

    Raises:
        InvalidSettings: As create_generator, for an agent that names no model; or if the sources cannot be used.
    """
    sources(settings.context_sources)
    for language in LANGUAGES:
        lexicon(language)
        prepare_entities(language)
    if settings.entity_provider != RULES and provider_name(settings) == RULES:
        raise InvalidSettings(
            "ENTITY_PROVIDER is llm, but there is no chat model: set LLM_BASE_URL and LLM_MODEL, "
            "or ENTITY_PROVIDER=rules."
        )
    if provider_name(settings) != RULES:
        check = getattr(_provider(provider_name(settings)), "check", None)
        if check is not None:
            check(options_of(settings, None))


def provider_name(settings: Settings) -> str:
    """Return the provider that `settings` choose."""
    return settings.llm_provider or (OPENAI_COMPATIBLE if settings.llm_base_url else RULES)


def options_of(settings: Settings, model: str | None) -> ProviderOptions:
    """Return what a provider is created with; `model` as an agent chose it, if it did."""
    return ProviderOptions(
        base_url=settings.llm_base_url,
        api_key=settings.llm_api_key,
        model=model or settings.llm_model,
        timeout_s=settings.llm_timeout_s,
        first_token_s=settings.llm_first_token_s,
        stall_s=settings.llm_stall_s,
        max_tokens=settings.llm_max_tokens,
        temperature=settings.llm_temperature,
        reasoning_effort=settings.llm_reasoning_effort,
    )


def _provider(name: str) -> Any:
    module = f"{__package__}.providers.{name}"
    if not _NAME.fullmatch(name) or util.find_spec(module) is None:
        raise InvalidSettings(f"LLM_PROVIDER is {name!r}, which is not a provider: use rules or {OPENAI_COMPATIBLE}.")
    provider = import_module(module)
    if not hasattr(provider, "create"):
        raise InvalidSettings(f"LLM_PROVIDER is {name!r}, which is not a provider: use rules or {OPENAI_COMPATIBLE}.")
    return provider
