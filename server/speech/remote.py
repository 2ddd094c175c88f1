"""Speech recognised elsewhere: finals by utterance over any endpoint, and a local model that stands in when it fails.

Voice activity and the cutting into utterances stay here, so silence is never sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import structlog

from ..model.errors import SpeechUnavailable
from .port import ServiceChanged, StreamOptions
from .remote_requests import Endpoint, Health, RemoteRequests
from .shared import Activity, SharedRecogniser
from .transcriber import Transcriber

log = structlog.get_logger()


class RemoteStream(Transcriber):
    """A stream that owns what its requests go through, and the endpoint if it is `own`."""

    def __init__(
        self, options: StreamOptions, requests: RemoteRequests, activity: Activity, own: Endpoint | None
    ) -> None:
        super().__init__(options, requests, activity)
        self._remote = requests
        self._own = own

    async def aclose(self) -> None:
        """Stop; what was not settled is lost."""
        await super().aclose()
        await self._remote.aclose()
        if self._own is not None:
            await self._own.aclose()


class RemoteSpeech:
    """A `SpeechToText` over an endpoint. `create_endpoint` is called in the event loop, once or for each stream."""

    def __init__(
        self,
        name: str,
        create_endpoint: Callable[[], Endpoint],
        load_activity: Callable[[], Callable[[], Activity]],
        now_s: Callable[[], float] = time.monotonic,
        *,
        one_for_each: bool = False,
    ) -> None:
        self.name = name
        self._create_endpoint = create_endpoint
        self._load_activity = load_activity
        self._one_for_each = one_for_each
        self._health = Health(self._note, now_s)
        self._new_activity: Callable[[], Activity] | None = None
        self._endpoint: Endpoint | None = None
        self._stand_in: SharedRecogniser | None = None
        self._streams: list[RemoteStream] = []
        self._state = ServiceChanged("ok")

    def lean_on(self, local: SharedRecogniser) -> None:
        """Let `local`, which is started and closed by others, stand in when the endpoint fails."""
        self._stand_in = local

    async def start(self) -> None:
        """Prepare to ask; whether the endpoint answers shows with the first utterance.

        Raises:
            SpeechUnavailable: If the voice activity model cannot be used.
            InvalidSettings: If a setting is missing.
        """
        self._new_activity = await asyncio.to_thread(self._load_activity)
        self._endpoint = self._create_endpoint()
        log.info("speech.voices_leave_this_machine", host=self._endpoint.host)

    async def open(self, options: StreamOptions) -> RemoteStream:
        """Open a stream for one participant.

        Raises:
            SpeechUnavailable: Before `start` and after `aclose`.
        """
        if self._endpoint is None or self._new_activity is None:
            raise SpeechUnavailable("Speech recognition is not running: start it before opening a stream.")
        own = self._create_endpoint() if self._one_for_each else None
        requests = RemoteRequests(own or self._endpoint, self._health, self._stand_in)
        stream = RemoteStream(options, requests, self._new_activity(), own)
        self._streams = [*(open_stream for open_stream in self._streams if not open_stream.closed), stream]
        if self._state.state != "ok":
            stream.note(self._state)
        return stream

    async def aclose(self) -> None:
        """End every stream and close connections."""
        while self._streams:
            await self._streams.pop().aclose()
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
