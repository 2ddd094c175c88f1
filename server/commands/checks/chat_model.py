"""The chat model that makes tips, where one is set."""

from __future__ import annotations

from ...settings import Settings
from .finding import Finding, fail, ok, warn

ANSWER_TIMEOUT_S = 10.0


async def check(settings: Settings) -> Finding:
    """Tell whether the endpoint answers and knows the model."""
    if settings.llm_base_url is None or settings.llm_provider == "rules":
        return ok("No chat model is set: tips come from the built-in rules.")
    if not settings.llm_model:
        return fail("LLM_MODEL is empty although LLM_BASE_URL is set: name the model.")
    return await _ask(settings, settings.llm_base_url)


async def _ask(settings: Settings, base_url: str) -> Finding:
    import openai

    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none"
    async with openai.AsyncOpenAI(base_url=base_url, api_key=key, timeout=ANSWER_TIMEOUT_S, max_retries=0) as client:
        try:
            names = [model.id async for model in client.models.list()]
        except openai.NotFoundError:
            names = []  # some servers have no list of models: the model itself is asked
        except openai.OpenAIError as error:
            return fail(f"{base_url} does not answer ({_reason(error)}): check LLM_BASE_URL and LLM_API_KEY.")
        if settings.llm_model in names:
            return ok(f"{base_url} answers and has {settings.llm_model}.")
        try:
            await client.chat.completions.create(
                model=settings.llm_model, messages=[{"role": "user", "content": "OK?"}], max_tokens=1
            )
        except openai.OpenAIError as error:
            return fail(f"{base_url} answers, {settings.llm_model} does not ({_reason(error)}): check LLM_MODEL.")
    if names:
        return warn(f"{base_url} answers as {settings.llm_model}, but does not list it.")
    return ok(f"{base_url} answers as {settings.llm_model}.")


def _reason(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    return f"status {status}" if status else type(error).__name__
