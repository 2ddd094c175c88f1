"""OpenAI's realtime transcription on loopback: hears loudness, and misbehaves as told."""

import asyncio
import base64
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

from server.speech.options import ProviderOptions
from server.speech.providers.scripted import ScriptedRecogniser
from server.speech.recogniser import Request
from tests.served import CLOSING, served
from tests.speech.fake_endpoint import KEY, MODEL

Send = Callable[..., Awaitable[None]]
Behaviour = Callable[["Socket"], Awaitable[None]]
KIND = "conversation.item.input_audio_transcription."


class Socket:
    """One connection: what it was sent, and how it answers a commit."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.request = request
        self.audio = bytearray()
        self.session: dict[str, Any] = {}
        self.items = 0

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send_str(json.dumps({"type": kind, "item_id": f"item-{self.items}", **fields}))

    def text(self) -> str:
        samples = np.frombuffer(bytes(self.audio), "<i2").astype(np.float32)[::3][: len(self.audio)] / 32_767
        # Every third of 24 kHz is 8 kHz: the script goes by seconds at 16 kHz.
        return ScriptedRecogniser().recognise(Request(np.repeat(samples, 2), "pt", final=True)).text


async def hears(on: Socket) -> None:
    await on.send("input_audio_buffer.committed")
    await on.send(KIND + "completed", transcript=on.text())


async def drops(on: Socket) -> None:
    assert on.request.transport is not None
    on.request.transport.abort()


async def closes(on: Socket) -> None:
    await on.socket.close()


async def floods(on: Socket) -> None:
    """Send one message that nobody should hold in memory."""
    await on.send("input_audio_buffer.committed")
    with contextlib.suppress(ConnectionError):
        await on.send(KIND + "completed", transcript="est " * (1 << 20))


async def babbles(on: Socket) -> None:
    await on.socket.send_bytes(b"\x00\xff")


async def says_too_much(on: Socket) -> None:
    await on.send("input_audio_buffer.committed")
    await on.send(KIND + "completed", transcript="est " * 10_000)


async def hangs(on: Socket) -> None:
    return


async def garbles(on: Socket) -> None:
    await on.socket.send_str("<html>")


async def answers_oddly(on: Socket) -> None:
    await on.send("input_audio_buffer.committed")
    await on.send(KIND + "completed", transcript=7)


async def fails(on: Socket) -> None:
    await on.send("input_audio_buffer.committed")
    await on.send(KIND + "failed", error={"message": f"cannot {KEY}"})


async def refuses(on: Socket) -> None:
    await on.send("error", error={"message": f"cannot {KEY}"})


class FakeRealtime:
    """Answers commits as `script` says, one entry each, the last for ever; `handshakes` refuse connections first."""

    def __init__(self) -> None:
        self.script: list[Behaviour] = [hears]
        self.handshakes: list[web.Response] = []
        self.deltas = False
        self.sessions: list[dict[str, Any]] = []
        self.committed_s: list[float] = []
        self.headers: list[dict[str, str]] = []
        self.was_asked = asyncio.Event()
        self.url = ""

    def options(self, **changes: Any) -> ProviderOptions:
        known: dict[str, Any] = {"base_url": self.url, "api_key": KEY, "remote_model": MODEL}
        return ProviderOptions(**(known | changes))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(dict(request.headers))
        if self.handshakes:
            return self.handshakes.pop(0)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        on = Socket(socket, request)
        closing = asyncio.create_task(self._close(request.app[CLOSING], socket))
        try:
            async for message in socket:
                assert message.type is WSMsgType.TEXT
                await self._obey(on, json.loads(message.data))
        finally:
            closing.cancel()
            await asyncio.gather(closing, return_exceptions=True)
        return socket

    async def _close(self, closing: asyncio.Event, socket: web.WebSocketResponse) -> None:
        await closing.wait()
        await socket.close()

    async def _obey(self, on: Socket, message: dict[str, Any]) -> None:
        match message["type"]:
            case "session.update":
                on.session = message["session"]["audio"]["input"]
                self.sessions.append(on.session)
            case "input_audio_buffer.append":
                on.audio += base64.b64decode(message["audio"])
                if self.deltas and len(on.audio) > 24_000:
                    await on.send(KIND + "delta", delta="estou " if on.items % 2 == 0 else "com ")
            case "input_audio_buffer.clear":
                on.audio.clear()
            case "input_audio_buffer.commit":
                self.committed_s.append(len(on.audio) / 48_000)
                self.was_asked.set()
                behaviour = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                await behaviour(on)
                on.items += 1
                on.audio.clear()


@asynccontextmanager
async def fake_realtime(tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeRealtime]:
    fake = FakeRealtime()
    application = web.Application()
    application.router.add_get("/v1/realtime", fake.handle)
    async with served(application, tls) as address:
        fake.url = f"{address}/v1"
        yield fake
