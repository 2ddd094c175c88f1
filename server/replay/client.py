"""A participant without a browser: the socket, one RTCPeerConnection, and a file for a microphone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole

from ..model.errors import Unavailable
from ..model.events import Event
from ..web.messages import Answer, ErrorMessage, EventMessage, Pong, Welcome, server_adapter
from .player import FileTrack

T = TypeVar("T")

ANSWER_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Extras:
    """What a bench adds: a video track to send, and a look at the connection before it negotiates."""

    video: MediaStreamTrack | None = None
    on_peer: Callable[[RTCPeerConnection], None] = lambda _: None


NOTHING_MORE = Extras()


class ReplayClient:
    """Joins with a token, sends its track, and hands every event to `on_event` with the local time it came.

    Use as an async context manager; inside it the seat is taken.
    """

    def __init__(
        self,
        url: str,
        token: str,
        track: FileTrack,
        on_event: Callable[[float, Event], None],
        extras: Extras = NOTHING_MORE,
    ) -> None:
        self.track = track
        self._extras = extras
        self.closed = asyncio.Event()
        self.errors: list[str] = []
        self._url = url
        self._token = token
        self._on_event = on_event
        self._welcome: asyncio.Future[Welcome] = asyncio.get_running_loop().create_future()
        self._answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._room_zero_s = 0.0
        self._stack = AsyncExitStack()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> ReplayClient:
        try:
            await self._join()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    def room_s(self, monotonic_s: float) -> float:
        """Return the room time of a local `time.monotonic()`."""
        return monotonic_s - self._room_zero_s

    async def send(self, message: dict[str, object]) -> None:
        """Send one message of the protocol."""
        if self._socket is not None and not self._socket.closed:
            await self._socket.send_json(message)

    async def _join(self) -> None:
        session = await self._stack.enter_async_context(aiohttp.ClientSession())
        try:
            self._socket = await self._stack.enter_async_context(session.ws_connect(f"{self._url}/ws"))
        except aiohttp.ClientError as error:
            raise Unavailable(f"No Escuta server answers at {self._url}: {error}.") from error
        self._tasks.append(asyncio.create_task(self._listen()))
        await self.send({"type": "join", "v": 1, "token": self._token, "consent": True})
        welcome = await self._within(self._welcome, "a welcome")
        self._tasks.append(asyncio.create_task(self._beat(welcome.heartbeat_s / 2)))
        await self.send({"type": "media", "microphone": True, "camera": self._extras.video is not None})
        await self._connect()

    async def _connect(self) -> None:
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._stack.push_async_callback(peer.close)
        heard = MediaBlackhole()
        self._stack.push_async_callback(heard.stop)
        peer.add_listener("track", heard.addTrack)

        def on_state() -> None:
            if peer.connectionState == "connected" and not self._connected.done():
                self._connected.set_result(None)

        peer.add_listener("connectionstatechange", on_state)
        peer.addTrack(self.track)
        if self._extras.video is not None:
            peer.addTrack(self._extras.video)
        else:
            peer.addTransceiver("video", direction="recvonly")
        self._extras.on_peer(peer)
        await peer.setLocalDescription(await peer.createOffer())
        await self.send({"type": "offer", "connection": 1, "sdp": peer.localDescription.sdp})
        answer = await self._within(self._answer, "an answer")
        await peer.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        await heard.start()
        await self._within(self._connected, "a media connection")

    async def _within(self, future: asyncio.Future[T], what: str) -> T:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await future
        except TimeoutError as error:
            said = f" The server said: {self.errors[-1]}" if self.errors else ""
            raise Unavailable(f"{self._url} did not give {what} within {ANSWER_WITHIN_S:.0f} s.{said}") from error

    async def _listen(self) -> None:
        assert self._socket is not None  # noqa: S101 - set by _join before this task exists
        async for received in self._socket:
            if received.type is not aiohttp.WSMsgType.TEXT:
                break
            arrived_s = time.monotonic()
            message = server_adapter.validate_json(received.data)
            match message:
                case Welcome():
                    self._room_zero_s = arrived_s - message.room_s
                    self._welcome.set_result(message)
                case Pong(room_s=room_s):
                    # The quickest answer is the one nearest to the truth.
                    self._room_zero_s = min(self._room_zero_s, arrived_s - room_s)
                case Answer() if not self._answer.done():
                    self._answer.set_result(message)
                case EventMessage(event=event):
                    self._on_event(arrived_s, event)
                case ErrorMessage(message=text):
                    self.errors.append(text)
                    self._give_up(f"The server refused: {text}")
                case _:
                    pass
        self.closed.set()
        self._give_up("The server closed the consultation while it was being joined.")

    def _give_up(self, why: str) -> None:
        """Tell whoever waits at the join that it will not come."""
        for awaited in (self._welcome, self._answer, self._connected):
            if not awaited.done():
                awaited.set_exception(Unavailable(why))
                awaited.exception()  # looked at: nobody may be waiting for it

    async def _beat(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self.send({"type": "ping", "t": 0})
