"""Any endpoint that speaks OpenAI's chat completions: hosted, vLLM, llama.cpp, Ollama and the like."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, NoReturn
from urllib.parse import urlsplit

import openai

from ...model.errors import ChatModelDelayed, ChatModelUnavailable, InvalidSettings
from ...model.retry import ATTEMPTS, backoff_s, may_ask_again, refusal, retry_after_s
from ..json_schema import DoesNotFit, JsonSchema
from ..port import OnItem, Reply, Usage, tell_items
from .options import ProviderOptions

MAX_ANSWER = 100_000
"""Characters; longer is not read."""
_REJECTS_FORMAT = frozenset({400, 415, 422, 501})
_JSON_ONLY = "\n\nAnswer with one JSON object and nothing else. It must fit this JSON Schema:\n"

_Mode = Literal["json_schema", "json_object", "text"]
_MODES: tuple[_Mode, ...] = ("json_schema", "json_object", "text")


class _Failed(Exception):
    """One request gave nothing usable. Holds what may be said of it, and nothing of request or answer."""

    def __init__(self, reason: str, *, status: int = 0, again: bool = False, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.again = again
        self.wait_s = wait_s


class OpenAICompatible:
    """A ChatModel over one endpoint. Asks for JSON in the strictest way that the endpoint takes."""

    name = "openai_compatible"

    def __init__(
        self,
        options: ProviderOptions,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = options.model
        self._timeout_s = options.timeout_s
        self._host = urlsplit(options.base_url or "").hostname or "?"
        self._sleep = sleep
        self._now_s = now_s
        self._mode: _Mode = "json_schema"
        self._not_before_s = 0.0
        self._closed = False
        self._client = _client(options)

    async def complete(
        self, *, system: str, user: str, schema: Mapping[str, Any], on_item: OnItem | None = None
    ) -> Reply:
        """Return an answer that fits `schema`, within the time-out, retries included.

        Raises:
            ChatModelDelayed: If none came in time.
            ChatModelUnavailable: If none can be had; the sentence names the fault, never the prompt or the key.
        """
        started_s = self._now_s()
        if self._closed:
            self._give_up("is asked no more, the consultation has ended")
        if started_s < self._not_before_s:
            self._give_up(f"asked to wait {self._not_before_s - started_s:.0f} s more")
        failure: _Failed | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                content, completion = await self._persist(system, user, schema, started_s + self._timeout_s)
        except TimeoutError:
            pass
        except _Failed as failed:
            failure = failed
        else:
            usage = _usage(completion, self._model, self._now_s() - started_s)
            tell_items(content, usage.model, on_item)
            return Reply(content, usage)
        # Raised outside the handlers: a chained library error may quote the request.
        if failure is not None:
            self._give_up(failure.reason)
        raise ChatModelDelayed(f"The chat model at {self._host} did not answer within {self._timeout_s:g} s.")

    async def aclose(self) -> None:
        """Close connections."""
        self._closed = True
        await self._client.close()

    def _give_up(self, reason: str) -> NoReturn:
        raise ChatModelUnavailable(f"The chat model at {self._host} {reason}.")

    async def _persist(
        self, system: str, user: str, schema: Mapping[str, Any], deadline_s: float
    ) -> tuple[Mapping[str, Any], object]:
        attempt = 0
        while True:
            try:
                return await self._request(system, user, schema)
            except _Failed as failed:
                if failed.status in _REJECTS_FORMAT and self._mode != _MODES[-1]:
                    self._mode = _MODES[_MODES.index(self._mode) + 1]
                    continue
                if failed.status in _REJECTS_FORMAT:
                    # Not the format's fault then: begin anew with the strictest when asked again.
                    self._mode = "json_schema"
                attempt += 1
                wait_s = backoff_s(attempt - 1) if failed.wait_s is None else failed.wait_s
                if failed.wait_s is not None and self._now_s() + wait_s >= deadline_s:
                    self._not_before_s = self._now_s() + wait_s
                    raise
                if not failed.again or attempt >= ATTEMPTS or self._now_s() + wait_s >= deadline_s:
                    raise
                await self._sleep(wait_s)

    async def _request(self, system: str, user: str, schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], object]:
        if self._mode != "json_schema":
            system += _JSON_ONLY + json.dumps(schema, ensure_ascii=False)
        formats: dict[str, Any] = {
            "json_schema": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": dict(schema), "strict": True},
            },
            "json_object": {"type": "json_object"},
            "text": openai.omit,
        }
        failure: _Failed
        try:
            completion: object = await self._client.chat.completions.create(
                model=self._model,
                messages=[{"role": "system", "content": system}, {"role": "user", "content": user}],
                response_format=formats[self._mode],
            )
            return _parse(completion, JsonSchema(schema)), completion
        except openai.APIStatusError as error:
            failure = _status_failure(error)
        except openai.APIConnectionError:
            failure = _Failed("cannot be reached: check LLM_BASE_URL and that it is running", again=True)
        except (openai.OpenAIError, ValueError, RecursionError):
            failure = _Failed("did not answer with the JSON it was asked for")
        raise failure


def _client(options: ProviderOptions) -> openai.AsyncOpenAI:
    key = options.api_key.get_secret_value() if options.api_key is not None else ""
    # `complete` keeps the time; the client's own limit only catches what it left behind.
    patience_s = 2 * options.timeout_s
    client = openai.AsyncOpenAI(
        base_url=options.base_url,
        api_key=key or "none",
        timeout=patience_s,
        max_retries=0,
        # A redirect would carry what was said to a host nobody chose.
        http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False, timeout=patience_s),
    )
    # The package fills these from the environment; they are of no concern to the endpoint chosen here.
    client.admin_api_key = None
    client.organization = None
    client.project = None
    return client


def _status_failure(error: openai.APIStatusError) -> _Failed:
    status = error.status_code
    wait_s = retry_after_s(error.response.headers) if may_ask_again(status) else None
    reason = refusal(
        status,
        key="LLM_API_KEY",
        model="LLM_MODEL",
        address="LLM_BASE_URL",
        too_many="has too many requests (429): it will be asked again later",
    )
    return _Failed(reason, status=status, again=may_ask_again(status), wait_s=wait_s)


def _parse(completion: object, schema: JsonSchema) -> Mapping[str, Any]:
    """Return the JSON object in a completion; text around it (a fence, a preface) is let pass.

    Raises:
        ValueError: If there is none, or it does not fit.
    """
    choices = getattr(completion, "choices", None)
    text = (
        getattr(getattr(choices[0], "message", None), "content", None) if isinstance(choices, list) and choices else ""
    )
    if not isinstance(text, str) or len(text) > MAX_ANSWER:
        raise DoesNotFit("no text, or too much")
    try:
        content = json.loads(text)
    except ValueError:
        content = json.loads(text[text.find("{") : text.rfind("}") + 1])
    schema.check(content)
    if not isinstance(content, dict):
        raise DoesNotFit("not an object")
    return content


def _usage(completion: object, model: str, latency_s: float) -> Usage:
    usage = getattr(completion, "usage", None)
    counts = [getattr(usage, name, None) for name in ("prompt_tokens", "completion_tokens")]
    prompt, answer = (count if isinstance(count, int) else 0 for count in counts)
    named = getattr(completion, "model", None)
    return Usage(named if isinstance(named, str) and named else model, prompt, answer, latency_s)


def check(options: ProviderOptions) -> None:
    """Accept options that can work.

    Raises:
        InvalidSettings: If no endpoint or no model is set.
    """
    if not options.base_url or urlsplit(options.base_url).scheme not in ("http", "https"):
        raise InvalidSettings("LLM_BASE_URL is not an http(s) address: set it to an endpoint ending in /v1.")
    if not options.model:
        raise InvalidSettings("LLM_MODEL is empty: set it to the name of a model that LLM_BASE_URL serves.")


def create(options: ProviderOptions) -> OpenAICompatible:
    """Return a client of the configured endpoint.

    Raises:
        InvalidSettings: As check.
    """
    check(options)
    return OpenAICompatible(options)
