"""Speech recognised elsewhere: finals by utterance over any endpoint, and a local model that stands in when it fails.

Voice activity and the cutting into utterances stay here, so silence is never sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import structlog

from ..model.errors import SpeechUnavailable
from .port import ServiceChanged, StreamOptions
from .recogniser import Hypothesis, Request
from .scheduler import Priority
from .shared import Activity, SharedRecogniser
from .transcriber import Transcriber

log = structlog.get_logger()

_AT_ONCE = 8
_LEFT_ALONE_S = (15.0, 30.0, 60.0, 120.0, 300.0)
"""How long a service is not asked again after its first, second, … failure in a row, while a local model stands in."""


class RemoteFailed(Exception):
    """The service gave nothing usable. Says why, with nothing of audio, answer or key."""

    def __init__(self, reason: str, *, status: int = 0, again: bool = False, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.again = again
        self.wait_s = wait_s


class Endpoint(Protocol):
    """What is asked, one utterance at a time."""

    host: str

    async def read(self, request: Request) -> Hypothesis:
        """Return what was said, or raise RemoteFailed."""

    async def aclose(self) -> None:
        """Close connections."""


class RemoteRequests:
    """Sends finals to the endpoint, several at once; interims have none to go to, unless the local model stands in."""

    def __init__(
        self, endpoint: Endpoint, on_state: Callable[[ServiceChanged], None], now_s: Callable[[], float]
    ) -> None:
        self.stand_in: SharedRecogniser | None = None
        self._endpoint = endpoint
        self._on_state = on_state
        self._now_s = now_s
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._reading: set[asyncio.Task[Hypothesis]] = set()
        self._not_before_s = 0.0
        self._failures = 0

    def submit(self, channel: str, request: Request, priority: Priority) -> asyncio.Future[Hypothesis]:
        """Ask for `request`; the future gives the hypothesis, an error, or is cancelled."""
        away = self._now_s() < self._not_before_s
        if priority is not Priority.FINAL:
            if away and self.stand_in is not None:
                return self.stand_in.requests().submit(channel, request, priority)
            none: asyncio.Future[Hypothesis] = asyncio.get_running_loop().create_future()
            none.cancel()
            return none
        reading = asyncio.get_running_loop().create_task(self._read(channel, request), name="speech-remote")
        self._reading.add(reading)
        reading.add_done_callback(self._forget)
        return reading

    def drop_interims(self, channel: str) -> None:
        """Cancel the interim of `channel` that waits."""
        if self.stand_in is not None:
            self.stand_in.requests().drop_interims(channel)

    async def aclose(self) -> None:
        """Ask for nothing more."""
        reading = tuple(self._reading)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    async def _read(self, channel: str, request: Request) -> Hypothesis:
        # What was shown as settled was read by the local model: only it can keep to that.
        if self._now_s() >= self._not_before_s and not request.settled:
            try:
                async with self._slots:
                    hypothesis = await self._endpoint.read(request)
            except RemoteFailed as failed:
                self._note_failure(failed)
            else:
                self._failures = 0
                self._on_state(ServiceChanged("ok"))
                return hypothesis
        if self.stand_in is None:
            raise SpeechUnavailable(f"The speech service at {self._endpoint.host} does not answer at the moment.")
        hypothesis = await self.stand_in.requests().submit(channel, request, Priority.FINAL)
        return replace(hypothesis, provider=self.stand_in.name)

    def _note_failure(self, failed: RemoteFailed) -> None:
        log.warning("speech.remote_failed", host=self._endpoint.host, status=failed.status, reason=str(failed))
        wait_s = failed.wait_s or 0.0
        if self.stand_in is not None:
            if self._now_s() >= self._not_before_s:  # else it failed several requests at once
                self._failures += 1
            wait_s = max(wait_s, _LEFT_ALONE_S[min(self._failures, len(_LEFT_ALONE_S)) - 1])
            self._on_state(ServiceChanged("delayed", "fallback"))
        else:
            self._on_state(ServiceChanged("failing", "unreachable"))
        self._not_before_s = max(self._not_before_s, self._now_s() + wait_s)

    def _forget(self, reading: asyncio.Task[Hypothesis]) -> None:
        self._reading.discard(reading)
        if not reading.cancelled():
            reading.exception()  # its stream may be gone, and nobody else looks


class RemoteSpeech:
    """A `SpeechToText` over an endpoint. `create_endpoint` is called in the event loop."""

    def __init__(
        self,
        name: str,
        create_endpoint: Callable[[], Endpoint],
        load_activity: Callable[[], Callable[[], Activity]],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._create_endpoint = create_endpoint
        self._load_activity = load_activity
        self._now_s = now_s
        self._new_activity: Callable[[], Activity] | None = None
        self._endpoint: Endpoint | None = None
        self._requests: RemoteRequests | None = None
        self._stand_in: SharedRecogniser | None = None
        self._streams: list[Transcriber] = []
        self._state = ServiceChanged("ok")

    def lean_on(self, local: SharedRecogniser) -> None:
        """Let `local`, which is started and closed by others, stand in when the endpoint fails."""
        self._stand_in = local
        if self._requests is not None:
            self._requests.stand_in = local

    async def start(self) -> None:
        """Prepare to ask; whether the endpoint answers shows with the first utterance.

        Raises:
            SpeechUnavailable: If the voice activity model cannot be used.
            InvalidSettings: If a setting is missing.
        """
        self._new_activity = await asyncio.to_thread(self._load_activity)
        self._endpoint = self._create_endpoint()
        self._requests = RemoteRequests(self._endpoint, self._note, self._now_s)
        self._requests.stand_in = self._stand_in
        log.info("speech.voices_leave_this_machine", host=self._endpoint.host)

    async def open(self, options: StreamOptions) -> Transcriber:
        """Open a stream for one participant.

        Raises:
            SpeechUnavailable: Before `start` and after `aclose`.
        """
        if self._requests is None or self._new_activity is None:
            raise SpeechUnavailable("Speech recognition is not running: start it before opening a stream.")
        stream = Transcriber(options, self._requests, self._new_activity())
        self._streams = [*(open_stream for open_stream in self._streams if not open_stream.closed), stream]
        if self._state.state != "ok":
            stream.note(self._state)
        return stream

    async def aclose(self) -> None:
        """End every stream and close connections."""
        while self._streams:
            await self._streams.pop().aclose()
        requests, self._requests = self._requests, None
        if requests is not None:
            await requests.aclose()
        endpoint, self._endpoint = self._endpoint, None
        if endpoint is not None:
            await endpoint.aclose()

    def _note(self, state: ServiceChanged) -> None:
        if state == self._state:
            return
        self._state = state
        for stream in self._streams:
            if not stream.closed:
                stream.note(state)
