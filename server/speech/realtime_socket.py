"""OpenAI's realtime transcription over a WebSocket: voices go up as they are heard, a commit ends an utterance.

One socket for each stream. Where utterances begin and end is decided here, not by the service.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import numpy as np

from ..model.retry import ATTEMPTS, backoff_s, may_ask_again, retry_after_s
from .options import ProviderOptions
from .port import Pcm
from .realtime_turns import Turn, Turns
from .recogniser import Hypothesis, Request
from .remote_requests import RemoteFailed
from .transcription_endpoint import check, redirected, unreachable

RATE_HZ = 24_000
"""The one rate that the protocol knows."""
_MOST_BYTES = 1 << 20
_APPEND_SAMPLES = 16_000
_HEARTBEAT_S = 10.0
_TRANSCRIPTION = "conversation.item.input_audio_transcription."


def pcm_of(samples: Pcm) -> str:
    """Return samples at 16 kHz as 16 bit PCM at 24 kHz, linearly interpolated, in base64."""
    places = np.arange(len(samples) * 3 // 2) * (2 / 3)
    raised = np.interp(places, np.arange(len(samples)), samples) if len(samples) else samples
    return base64.b64encode((np.clip(raised, -1.0, 1.0) * 32_767).astype("<i2").tobytes()).decode()


@dataclass(frozen=True, slots=True)
class _Session:
    """What the service is told about the audio to come."""

    language: str | None
    prompt: str


class RealtimeEndpoint:
    """What `remote` asks: sends, connects again, and gives each committed utterance its transcript."""

    def __init__(self, options: ProviderOptions, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        check(options)
        self.host = urlsplit(options.base_url).hostname or "?"
        self._url = f"{options.base_url.rstrip('/')}/realtime?intent=transcription"
        self._headers = {"Authorization": f"Bearer {options.api_key}"} if options.api_key else {}
        self._model = options.remote_model
        self._timeout_s = options.timeout_s
        self._sleep = sleep
        self._client = aiohttp.ClientSession(trace_configs=[_no_redirects()])
        self._outgoing: deque[dict[str, Any]] = deque()
        self._news = asyncio.Event()
        self._session: _Session | None = None
        self._sent = 0
        self._turns = Turns()
        self._running: asyncio.Task[None] | None = None
        self._ending: list[asyncio.Task[None]] = []

    def glimpse(self, request: Request) -> Hypothesis | None:
        """Send what is new of a running utterance; return what is known of it already, if anything is."""
        self._speak(request)
        text = " ".join(self._turns.heard.split())
        return Hypothesis(text, language=request.language or "") if text else None

    def abandon(self) -> None:
        """Have the service forget the audio of the running utterance."""
        if self._sent:
            self._say({"type": "input_audio_buffer.clear"})
            self._sent = 0
            self._turns.heard = ""

    def read(self, request: Request) -> asyncio.Future[Hypothesis]:
        """End an utterance; the future gives what was said, or RemoteFailed within the time-out."""
        turn = Turn(request, asyncio.get_running_loop().create_future())
        self._commit(turn)
        late = asyncio.get_running_loop().call_later(self._timeout_s, self._give_up, turn)
        turn.result.add_done_callback(lambda _: late.cancel())
        return turn.result

    async def aclose(self) -> None:
        """Close the socket."""
        running = [*self._ending, *([] if self._running is None else [self._running])]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._turns.cancel()
        await self._client.close()

    def _commit(self, turn: Turn) -> None:
        self._speak(turn.request)
        self._say({"type": "input_audio_buffer.commit"})
        self._turns.committed(turn)
        self._sent = 0

    def _speak(self, request: Request) -> None:
        samples = request.samples
        if len(samples) < self._sent:  # an utterance was cut short: what is in the buffer is not its audio
            self.abandon()
        session = _Session(request.language, request.prompt)
        if session != self._session:
            self._session = session
            self._say(self._described(session))
        stop = len(samples) if request.final else len(samples) // 2 * 2
        for first in range(self._sent, stop, _APPEND_SAMPLES):
            audio = pcm_of(samples[first : min(stop, first + _APPEND_SAMPLES)])
            self._say({"type": "input_audio_buffer.append", "audio": audio})
        self._sent = max(self._sent, stop)
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._run(), name="speech-realtime")

    def _described(self, session: _Session) -> dict[str, Any]:
        transcription = {"model": self._model}
        if session.language:
            transcription["language"] = session.language
        if session.prompt:
            transcription["prompt"] = session.prompt
        audio = {
            "format": {"type": "audio/pcm", "rate": RATE_HZ},
            "transcription": transcription,
            "turn_detection": None,
        }
        return {"type": "session.update", "session": {"type": "transcription", "audio": {"input": audio}}}

    def _say(self, message: dict[str, Any]) -> None:
        self._outgoing.append(message)
        self._news.set()

    def _give_up(self, turn: Turn) -> None:
        self._turns.fail(turn, RemoteFailed(f"did not answer within {self._timeout_s:g} s"))
        if self._running is not None:  # what hangs may hang for ever
            self._running.cancel()
            self._ending = [*(task for task in self._ending if not task.done()), self._running]
            self._running = None
        self._start_over()

    def _forget(self) -> None:
        """Nothing that was sent counts any more: what is still wanted is sent anew."""
        self._outgoing.clear()
        self._session = None
        self._sent = 0

    def _start_over(self) -> None:
        self._forget()
        for turn in self._turns.take():
            self._commit(turn)

    async def _run(self) -> None:
        """Be connected while anything is wanted."""
        attempt = 0
        while True:
            try:
                await self._converse()
                failed = RemoteFailed("closed the connection", again=True)
            except RemoteFailed as failure:
                failed = failure
            attempt = 1 if self._turns.answered() else attempt + 1
            wait_s = backoff_s(attempt - 1) if failed.wait_s is None else failed.wait_s
            if not failed.again or attempt >= ATTEMPTS or wait_s >= self._timeout_s:
                self._turns.fail_all(failed)
            self._forget()
            if not self._turns.waiting:
                return
            await self._sleep(wait_s)
            self._start_over()

    async def _converse(self) -> None:
        try:
            async with self._client.ws_connect(
                self._url, headers=self._headers, heartbeat=_HEARTBEAT_S, max_msg_size=_MOST_BYTES
            ) as socket:
                sending = asyncio.get_running_loop().create_task(self._send(socket), name="speech-realtime-send")
                try:
                    async for message in socket:
                        self._obey(message)
                finally:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
        except aiohttp.WSServerHandshakeError as error:
            failure = _refused(error)
        except (aiohttp.ClientError, OSError) as error:
            failure = unreachable(error)
        else:
            return
        raise failure

    async def _send(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            self._news.clear()
            while self._outgoing:
                await socket.send_str(json.dumps(self._outgoing.popleft()))
            await self._news.wait()

    def _obey(self, message: aiohttp.WSMessage) -> None:
        try:
            event = json.loads(message.data) if message.type is aiohttp.WSMsgType.TEXT else None
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            raise RemoteFailed("did not speak the protocol")
        item = str(event.get("item_id", ""))
        match event["type"]:
            case "input_audio_buffer.committed":
                self._turns.named(item)
            case "error":
                self._turns.refused(RemoteFailed("refused an utterance: check SPEECH_REMOTE_MODEL and SPEECH_API_KEY"))
            case kind if kind == _TRANSCRIPTION + "delta":
                self._turns.guessed(item, event.get("delta"))
            case kind if kind == _TRANSCRIPTION + "completed":
                self._turns.completed(item, event.get("transcript"))
            case kind if kind == _TRANSCRIPTION + "failed":
                self._turns.refused(RemoteFailed("could not read an utterance"), item)


def _no_redirects() -> aiohttp.TraceConfig:
    """Return what keeps a handshake from following redirects; the library has no option for that."""

    async def refuse(_: aiohttp.ClientSession, __: object, redirect: aiohttp.TraceRequestRedirectParams) -> None:
        redirect.response.close()
        raise redirected(redirect.response.status)

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace


def _refused(error: aiohttp.WSServerHandshakeError) -> RemoteFailed:
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    again = may_ask_again(error.status)
    wait_s = retry_after_s(headers) if again else None
    return RemoteFailed(f"refused the connection ({error.status})", status=error.status, again=again, wait_s=wait_s)
