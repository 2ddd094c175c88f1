"""Any endpoint that speaks OpenAI's chat completions: hosted, vLLM, llama.cpp, Ollama and the like."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from ...model.errors import ChatModelDelayed, ChatModelUnavailable, InvalidSettings
from ..chat.dialect import Dialect, endpoint
from ..chat.exchange import Exchange, Means
from ..chat.failure import Failed
from ..chat.wire import Wire
from ..port import OnItem, Reply
from .options import ProviderOptions

_NO_ADDRESS = "LLM_BASE_URL is not an http(s) address: set it to an endpoint ending in /v1."


class OpenAICompatible:
    """A ChatModel over one endpoint. Streams, and asks for JSON in the strictest way that the endpoint takes."""

    name = "openai_compatible"

    def __init__(
        self,
        options: ProviderOptions,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._host = urlsplit(options.base_url or "").hostname or "?"
        self._closed = False
        self._means = Means(
            wire=Wire(options, now_s),
            options=options,
            endpoint=endpoint(options.base_url or "", options.model),
            sleep=sleep,
            now_s=now_s,
        )

    @property
    def dialect(self) -> Dialect:
        """How the endpoint wants to be asked, as far as is known."""
        return self._means.endpoint.dialect

    async def complete(
        self, *, system: str, user: str, schema: Mapping[str, Any], on_item: OnItem | None = None
    ) -> Reply:
        """Return an answer that fits `schema`, within the time-out, everything asked again included.

        Raises:
            ChatModelDelayed: If none came in time.
            ChatModelUnavailable: If none can be had; the sentence names the fault, never the prompt or the key.
        """
        started_s = self._means.now_s()
        wait_s = self._means.endpoint.not_before_s - started_s
        if self._closed:
            self._give_up("is asked no more, the consultation has ended")
        if wait_s > 0:
            self._give_up(f"asked to wait {wait_s:.0f} s more")
        exchange = Exchange(self._means, system, user, schema, on_item)
        timeout_s = self._means.options.timeout_s
        failure: Failed | None = None
        try:
            async with asyncio.timeout(timeout_s):
                return await exchange.run(started_s)
        except TimeoutError:
            pass
        except Failed as failed:
            failure = failed
        # Raised outside the handlers: what is chained may quote the request.
        slow = failure is None or failure.slow
        reason = failure.reason if failure is not None else f"did not answer within {timeout_s:g} s"
        kind = ChatModelDelayed if slow else ChatModelUnavailable
        error = kind(f"The chat model at {self._host} {reason}.")
        error.spent_tokens = exchange.spent_tokens
        raise error

    async def aclose(self) -> None:
        """Close connections."""
        self._closed = True
        await self._means.wire.aclose()

    def _give_up(self, reason: str) -> NoReturn:
        raise ChatModelUnavailable(f"The chat model at {self._host} {reason}.")


def check(options: ProviderOptions) -> None:
    """Accept options that can work.

    Raises:
        InvalidSettings: If no endpoint or no model is set, or one holds what cannot be sent.
    """
    try:
        address = urlsplit(options.base_url or "")
        usable = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidSettings(_NO_ADDRESS)
    if "@" in address.netloc or address.query or address.fragment:
        raise InvalidSettings("LLM_BASE_URL holds more than an address: a key belongs into LLM_API_KEY.")
    if not options.model:
        raise InvalidSettings("LLM_MODEL is empty: set it to the name of a model that LLM_BASE_URL serves.")
    key = options.api_key.get_secret_value().strip() if options.api_key is not None else ""
    if not (key.isascii() and key.isprintable()):
        raise InvalidSettings("LLM_API_KEY holds characters that no header can carry: copy it anew.")
    if not Wire.can_be_made(options):
        raise InvalidSettings(_NO_ADDRESS)


def create(options: ProviderOptions) -> OpenAICompatible:
    """Return a client of the configured endpoint.

    Raises:
        InvalidSettings: As check.
    """
    check(options)
    return OpenAICompatible(options)
