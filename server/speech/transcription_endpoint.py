"""An OpenAI-compatible transcription endpoint: one utterance as WAV there, its words back."""

from __future__ import annotations

import asyncio
import io
import time
import wave
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import aiohttp
import numpy as np

from ..model.errors import InvalidSettings
from ..model.retry import ATTEMPTS, backoff_s, may_ask_again, refusal, retry_after_s
from .options import ProviderOptions
from .port import Pcm
from .recogniser import Hypothesis, Request
from .remote_requests import RemoteFailed
from .transcription_answer import hypothesis_of

MOST_BYTES = 1_000_000
"""Of an answer; longer is not read."""
_AT_ONCE = 8
_REJECTS_FORMAT = frozenset({400, 415, 422, 501})


def wav_of(samples: Pcm) -> bytes:
    """Return `samples` as a WAV file, 16 kHz, 16 bit, mono."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        writer.writeframes((np.clip(samples, -1.0, 1.0) * 32_767).astype("<i2").tobytes())
    return file.getvalue()


def check(options: ProviderOptions) -> None:
    """Accept options that can work.

    Raises:
        InvalidSettings: If no address or no model is set, or the address carries a password.
    """
    try:
        address = urlsplit(options.base_url)
        usable = address.scheme in ("http", "https") and bool(address.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise InvalidSettings("SPEECH_BASE_URL is not an http(s) address: set it to an endpoint ending in /v1.")
    if "@" in address.netloc or address.query or address.fragment:
        raise InvalidSettings("SPEECH_BASE_URL holds more than an address: a key belongs into SPEECH_API_KEY.")
    if not options.remote_model:
        raise InvalidSettings("SPEECH_REMOTE_MODEL is empty: set it to a model that SPEECH_BASE_URL serves.")


def unreachable(error: Exception) -> RemoteFailed:
    """Return what an error below HTTP means. What TLS refuses once, it refuses again."""
    if isinstance(error, aiohttp.ClientSSLError):
        return RemoteFailed("has no certificate that this machine trusts: check SPEECH_BASE_URL and the certificate")
    return RemoteFailed("cannot be reached: check SPEECH_BASE_URL and that it is running", again=True)


def redirected(status: int) -> RemoteFailed:
    """Return what is said of a redirect. It would carry the voice to a host nobody chose: none is followed."""
    return RemoteFailed(f"sends us elsewhere ({status}): set SPEECH_BASE_URL to where it really is", status=status)


class TranscriptionEndpoint:
    """Asks for word times first and for plain JSON where those are refused. Open it in the event loop."""

    def __init__(
        self,
        options: ProviderOptions,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        check(options)
        self.host = urlsplit(options.base_url).hostname or "?"
        self._url = f"{options.base_url.rstrip('/')}/audio/transcriptions"
        self._model = options.remote_model
        self._timeout_s = options.timeout_s
        self._sleep = sleep
        self._now_s = now_s
        self._word_times = True
        self._slots = asyncio.Semaphore(_AT_ONCE)
        headers = {"Authorization": f"Bearer {options.api_key}"} if options.api_key else {}
        # It reads no proxy and no password from the environment.
        self._client = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=options.timeout_s))

    def glimpse(self, request: Request) -> Hypothesis | None:  # noqa: ARG002 - it reads whole utterances alone
        """Nothing is known before the end."""
        return None

    def abandon(self) -> None:
        """There is nothing to abandon."""

    async def read(self, request: Request) -> Hypothesis:
        """Return what was said, within the time-out, repeats included.

        Raises:
            RemoteFailed: If that cannot be had.
        """
        try:
            async with self._slots, asyncio.timeout(self._timeout_s):
                return await self._persist(request, self._now_s() + self._timeout_s)
        except TimeoutError:
            failure = RemoteFailed(f"did not answer within {self._timeout_s:g} s")
        raise failure

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()

    async def _persist(self, request: Request, deadline_s: float) -> Hypothesis:
        attempt = 0
        word_times = self._word_times
        while True:
            try:
                said = await self._ask(request, word_times=word_times)
            except RemoteFailed as failed:
                if failed.status in _REJECTS_FORMAT and word_times:
                    word_times = False
                    continue
                attempt += 1
                wait_s = backoff_s(attempt - 1) if failed.wait_s is None else failed.wait_s
                if not failed.again or attempt >= ATTEMPTS or self._now_s() + wait_s >= deadline_s:
                    raise
            else:
                # Not before plain JSON was taken: it may be the utterance that it does not like.
                self._word_times = self._word_times and word_times
                return said
            await self._sleep(wait_s)

    async def _ask(self, request: Request, *, word_times: bool) -> Hypothesis:
        failure: RemoteFailed
        form = self._form(request, word_times=word_times)
        try:
            async with self._client.post(self._url, data=form, allow_redirects=False) as response:
                if response.status == 200:
                    body = await _body(response)
                    return hypothesis_of(body, len(request.samples) / 16_000, request.language)
                failure = _refusal(response)
        except (aiohttp.ClientError, OSError) as error:  # a certificate's error is a ValueError too
            if isinstance(error, TimeoutError):
                raise
            failure = unreachable(error)
        except ValueError:
            failure = RemoteFailed("did not answer with a transcript")
        raise failure

    def _form(self, request: Request, *, word_times: bool) -> aiohttp.FormData:
        form = aiohttp.FormData()
        form.add_field("file", wav_of(request.samples), filename="speech.wav", content_type="audio/wav")
        form.add_field("model", self._model)
        form.add_field("temperature", "0")
        if request.language:
            form.add_field("language", request.language)
        if request.prompt:
            form.add_field("prompt", request.prompt)
        form.add_field("response_format", "verbose_json" if word_times else "json")
        if word_times:
            for kind in ("word", "segment"):
                form.add_field("timestamp_granularities[]", kind)
        return form


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > MOST_BYTES:
            raise ValueError("too long")
    return bytes(body)


def _refusal(response: aiohttp.ClientResponse) -> RemoteFailed:
    status = response.status
    if 300 <= status < 400:
        return redirected(status)
    reason = refusal(status, key="SPEECH_API_KEY", model="SPEECH_REMOTE_MODEL", address="SPEECH_BASE_URL")
    again = may_ask_again(status)
    # Its header names are case-insensitive, those that `retry_after_s` reads are lower case.
    headers = {name.lower(): value for name, value in response.headers.items()}
    return RemoteFailed(reason, status=status, again=again, wait_s=retry_after_s(headers) if again else None)
