"""One request to an endpoint and what comes back, over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from yarl import URL

from ...model.retry import may_ask_again, retry_after_s
from ..providers.options import ProviderOptions
from .answer import Answer
from .events import MOST_BYTES, EventReader
from .failure import Failed, refused

_MOST_OF_A_REFUSAL = 65_536
_AFTER_THE_END_S = 0.5
"""Longest wait for the token count once the answer is complete."""


class Wire:
    """An endpoint's connections. It reads no proxy and no password from the environment and follows no redirect."""

    def __init__(self, options: ProviderOptions, now_s: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._base = URL((options.base_url or "").rstrip("/")).with_user(None)
        self._now_s = now_s
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, body: Mapping[str, Any], answer: Answer, on_text: Callable[[str], None]) -> None:
        """Send one request; fill `answer` with what comes and tell `on_text` of each piece of it.

        Raises:
            Failed: If nothing usable came, or not in time.
        """
        try:
            await self._ask(body, answer, on_text)
        except Failed as failed:
            if not failed.stale:
                raise
        else:
            return
        await self._ask(body, answer, on_text)

    async def _ask(self, body: Mapping[str, Any], answer: Answer, on_text: Callable[[str], None]) -> None:
        failure: Failed
        asked_s = self._now_s()
        try:
            # What is not streamed comes with its first byte at the end: only the whole has its time then.
            async with asyncio.timeout(self._options.first_token_s if body.get("stream") else None) as patience:
                async with self._client().post(
                    self._base / "chat" / "completions", json=body, allow_redirects=False
                ) as response:
                    if response.status != 200:
                        raise await _refusal(response)
                    await self._read(response, answer, on_text, patience, asked_s)
                return
        except TimeoutError:
            if answer.ended:
                return
            failure = self._too_slow(answer)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if answer.ended:
                return
            failure = _unreachable(error, begun=answer.begun)
        # Raised outside the handlers: a library's error may quote the request.
        raise failure

    async def models(self) -> list[str] | None:
        """Return the names of the models that the endpoint lists; None if it lists none.

        Raises:
            Failed: If it cannot be reached or refuses the key.
        """
        failure: Failed
        try:
            async with self._client().get(self._base / "models", allow_redirects=False) as response:
                if response.status in (404, 405, 501):
                    return None
                if response.status != 200:
                    raise await _refusal(response)
                listed = json.loads(await _at_most(response, MOST_BYTES))
                data = listed.get("data") if isinstance(listed, dict) else None
                names = [one.get("id") for one in data if isinstance(one, dict)] if isinstance(data, list) else []
                return [name for name in names if isinstance(name, str)]
        except (aiohttp.ClientError, OSError, ValueError, RecursionError) as error:
            failure = _unreachable(error, begun=False)
        raise failure

    async def aclose(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()

    def _client(self) -> aiohttp.ClientSession:
        # Not before it is needed: a session belongs to the event loop it is made in.
        if self._session is None:
            key = self._options.api_key.get_secret_value().strip() if self._options.api_key is not None else ""
            # Compression would hold words back and hide how much there is to read.
            headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {})
            self._session = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=None))
        return self._session

    async def _read(
        self,
        response: aiohttp.ClientResponse,
        answer: Answer,
        on_text: Callable[[str], None],
        patience: asyncio.Timeout,
        asked_s: float,
    ) -> None:
        reader = EventReader()
        async for data in response.content.iter_any():
            events = reader.feed(data)
            answer.streamed = reader.streamed
            for event in events:
                self._take(event, answer, on_text, patience, asked_s)
            if reader.whole:
                patience.reschedule(None)
            elif reader.done and not answer.done:
                answer.done = True
                self._await_end(patience)
        for event in reader.end():
            self._take(event, answer, on_text, patience, asked_s)

    def _take(
        self, event: object, answer: Answer, on_text: Callable[[str], None], patience: asyncio.Timeout, asked_s: float
    ) -> None:
        before = answer.written
        added = answer.take(event)
        if answer.ended:
            self._await_end(patience)
        elif answer.written > before:
            patience.reschedule(asyncio.get_running_loop().time() + self._options.stall_s)
        if answer.begun and answer.first_token_s is None:
            answer.first_token_s = self._now_s() - asked_s
        if added:
            on_text(added)

    def _await_end(self, patience: asyncio.Timeout) -> None:
        """Wait a little for the token count and for the end, with which the connection can be used again."""
        patience.reschedule(asyncio.get_running_loop().time() + _AFTER_THE_END_S)

    def _too_slow(self, answer: Answer) -> Failed:
        if answer.begun:
            return Failed(f"fell silent for {self._options.stall_s:g} s in mid-answer", again=True, slow=True)
        return Failed(f"wrote no first word within {self._options.first_token_s} s", slow=True)


async def _refusal(response: aiohttp.ClientResponse) -> Failed:
    wait_s = retry_after_s(response.headers) if may_ask_again(response.status) else None
    try:
        body = (await _at_most(response, _MOST_OF_A_REFUSAL)).decode("utf-8", "replace")
    except (aiohttp.ClientError, Failed):
        body = ""
    return refused(response.status, body, wait_s)


async def _at_most(response: aiohttp.ClientResponse, most: int) -> bytes:
    read = bytearray()
    async for data in response.content.iter_any():
        read += data
        if len(read) > most:
            raise Failed("answered with more than is read")
    return bytes(read)


def _unreachable(error: Exception, *, begun: bool) -> Failed:
    """Return what an error below the protocol means. What TLS refuses once, it refuses again."""
    if isinstance(error, aiohttp.ClientSSLError):
        return Failed("has no certificate that this machine trusts: check LLM_BASE_URL and the certificate")
    if begun:
        return Failed("broke off its answer", again=True)
    # llama.cpp closes the connection behind each stream without saying so: the next request finds it dead.
    stale = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError) and not isinstance(
        error, aiohttp.ClientConnectorError
    )
    if isinstance(error, ValueError) and not isinstance(error, aiohttp.ClientError):
        return Failed("did not answer as OpenAI's chat completions do: check LLM_BASE_URL")
    return Failed("cannot be reached: check LLM_BASE_URL and that it is running", again=True, stale=stale)
