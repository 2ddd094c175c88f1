"""One request to an endpoint and what comes back: the openai package, and the times it does not keep."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import openai

from ...model.retry import may_ask_again, retry_after_s
from ..providers.options import ProviderOptions
from .answer import NO_PROTOCOL, Answer
from .failure import Failed, refused, status_of
from .form import cleaned
from .transport import Transport, body_of

_AFTER_THE_END_S = 0.5
"""Longest wait for the token count once the answer is complete."""
_LIBRARY_ERRORS = (openai.OpenAIError, ValueError, RecursionError)
"""The package's own, and those of the JSON it reads."""


class Wire:
    """An endpoint's connections. It reads no proxy and no password from the environment and follows no redirect."""

    def __init__(self, options: ProviderOptions, now_s: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._now_s = now_s
        self._client = _client(options)
        # Loads what of the package is loaded when first named: better now than while somebody speaks.
        self._create = self._client.chat.completions.with_raw_response.create

    @classmethod
    def can_be_made(cls, options: ProviderOptions) -> bool:
        """Whether the package takes the address. Also loads most of the package, which takes a moment."""
        try:
            cls(options)
        except httpx2.InvalidURL:
            return False
        return True

    async def ask(self, body: Mapping[str, Any], answer: Answer, on_text: Callable[[str], None]) -> None:
        """Send one request; fill `answer` with what comes and tell `on_text` of each piece of it.

        Raises:
            Failed: If nothing usable came, or not in time.
        """
        failure: Failed
        asked_s = self._now_s()
        try:
            # What is not streamed comes with its first byte at the end: only the whole has its time then.
            async with asyncio.timeout(self._options.first_token_s if body.get("stream") else None) as patience:
                listener = _Listener(answer, on_text, patience, self._options.stall_s, self._now_s, asked_s)
                await self._read(body, listener)
            return
        except TimeoutError:
            if answer.ended:
                return
            failure = self._too_slow(answer)
        except _LIBRARY_ERRORS as error:
            if answer.ended and not _tells(error):
                return
            failure = _failure(error, begun=answer.begun)
        # Raised outside the handlers: a library's error may quote the request.
        raise failure

    async def models(self) -> list[str] | None:
        """Return the names of the models that the endpoint lists; None if it lists none.

        Raises:
            Failed: If it cannot be reached or refuses the key.
        """
        failure: Failed
        try:
            listed = (await self._client.models.with_raw_response.list()).http_response.json()
            data = listed.get("data") if isinstance(listed, dict) else None
            names = [one.get("id") for one in data if isinstance(one, dict)] if isinstance(data, list) else []
            return [name for name in names if isinstance(name, str)]
        except _LIBRARY_ERRORS as error:
            if isinstance(error, openai.APIStatusError) and error.status_code in (404, 405, 501):
                return None
            failure = _failure(error, begun=False)
        raise failure

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()

    async def _read(self, body: Mapping[str, Any], listener: _Listener) -> None:
        # The package cannot write half a character.
        sent = await self._create(**{**body, "messages": cleaned(body["messages"])})
        if not body.get("stream"):
            listener.hear(sent.http_response.json())
            return
        stream = sent.parse(to=openai.AsyncStream[object])
        async with stream:
            async for event in stream:
                listener.hear(event)
        came = body_of(stream.response)
        if came.whole is not None:
            listener.hear(json.loads(came.whole))
        listener.answer.done = came.done

    def _too_slow(self, answer: Answer) -> Failed:
        if answer.begun:
            return Failed(f"fell silent for {self._options.stall_s:g} s in mid-answer", again=True, slow=True)
        return Failed(f"wrote no first word within {self._options.first_token_s} s", slow=True)


@dataclass(frozen=True, slots=True)
class _Listener:
    """Puts what comes into an answer, and moves the time until which the next word must have come."""

    answer: Answer
    on_text: Callable[[str], None]
    patience: asyncio.Timeout
    stall_s: float
    now_s: Callable[[], float]
    asked_s: float

    def hear(self, event: object) -> None:
        answer = self.answer
        before = answer.written
        added = answer.take(event)
        if answer.ended:
            # A little longer, for the token count and for the end, with which the connection can be used again.
            self._wait(_AFTER_THE_END_S)
        elif answer.written > before:
            self._wait(self.stall_s)
        if answer.begun and answer.first_token_s is None:
            answer.first_token_s = self.now_s() - self.asked_s
        if added:
            self.on_text(added)

    def _wait(self, wait_s: float) -> None:
        self.patience.reschedule(asyncio.get_running_loop().time() + wait_s)


def _client(options: ProviderOptions) -> openai.AsyncOpenAI:
    key = options.api_key.get_secret_value().strip() if options.api_key is not None else ""
    client = openai.AsyncOpenAI(
        base_url=options.base_url,
        api_key=key or "none",
        # Named too, since the package would rather take one that the environment names.
        default_headers={"Authorization": f"Bearer {key}"},
        max_retries=0,
        # Whoever asks keeps the time.
        timeout=None,
        # A redirect would carry what was said to a host nobody chose.
        http_client=openai.DefaultAsyncHttpxClient(
            transport=Transport(authorized=bool(key)), trust_env=False, follow_redirects=False, timeout=None
        ),
    )
    # The package fills these from the environment; they are of no concern to the endpoint chosen here.
    client.admin_api_key = None
    client.organization = None
    client.project = None
    return client


def _tells(error: Exception) -> bool:
    """Return whether it is the endpoint that says what went wrong, and not the way there."""
    return isinstance(error, openai.APIError) and not isinstance(error, openai.APIConnectionError)


def _failure(error: Exception, *, begun: bool) -> Failed:
    """Return what an error of the package means. What TLS refuses once, it refuses again."""
    if isinstance(error, openai.APIStatusError):
        status = error.status_code
        wait_s = retry_after_s(error.response.headers) if may_ask_again(status) else None
        return refused(status, error.response.text, wait_s)
    if isinstance(error, openai.APIConnectionError):
        if _within(error, ssl.SSLError) and _within(error, httpx2.ConnectError):
            return Failed("has no certificate that this machine trusts: check LLM_BASE_URL and the certificate")
        if begun:
            return Failed("broke off its answer", again=True)
        return Failed("cannot be reached: check LLM_BASE_URL and that it is running", again=True)
    if isinstance(error, openai.APIError):
        return refused(status_of(error.body), {"error": error.body})
    return Failed(NO_PROTOCOL)


def _within(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error is not None
