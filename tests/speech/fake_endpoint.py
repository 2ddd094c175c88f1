"""An audio transcription endpoint on loopback that hears loudness and misbehaves as told."""

import asyncio
import contextlib
import io
import ssl
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from aiohttp import web

from server.speech.options import ProviderOptions
from server.speech.port import Pcm
from server.speech.providers.scripted import ScriptedRecogniser
from server.speech.recogniser import Request
from tests.served import CLOSING, served

KEY = "sk-KEY-THAT-NOBODY-MAY-READ"
MODEL = "fake-whisper"


@dataclass
class Asked:
    """One request as the endpoint saw it."""

    samples: Pcm
    fields: dict[str, str]
    granularities: list[str]
    headers: dict[str, str]


Behaviour = Callable[[web.Request, Asked], Awaitable[web.StreamResponse]]


def heard(asked: Asked) -> dict[str, Any]:
    """The answer of an endpoint that gives words and segments, for the script that `scripted` reads too."""
    said = ScriptedRecogniser().recognise(Request(asked.samples, asked.fields.get("language"), final=True))
    return {
        "text": said.text,
        "language": "portuguese",
        "duration": len(asked.samples) / 16_000,
        "segments": [{"avg_logprob": -0.2, "no_speech_prob": 0.01}],
        "words": [{"word": word.text, "start": word.start_s, "end": word.end_s} for word in said.words],
    }


async def hears(request: web.Request, asked: Asked) -> web.StreamResponse:
    return web.json_response(heard(asked))


def says(answer: Any) -> Behaviour:
    async def behave(request: web.Request, asked: Asked) -> web.StreamResponse:
        return web.json_response(answer)

    return behave


def status(code: int, headers: dict[str, str] | None = None) -> Behaviour:
    async def behave(request: web.Request, asked: Asked) -> web.StreamResponse:
        return web.Response(status=code, headers=headers, text=str(dict(request.headers)))

    return behave


def body(content: bytes, content_type: str = "application/json", **headers: str) -> Behaviour:
    async def behave(request: web.Request, asked: Asked) -> web.StreamResponse:
        return web.Response(body=content, content_type=content_type, headers=headers)

    return behave


async def plain_json_only(request: web.Request, asked: Asked) -> web.StreamResponse:
    if asked.fields["response_format"] != "json" or asked.granularities:
        return web.Response(status=400)
    return web.json_response({"text": heard(asked)["text"]})


async def drops(request: web.Request, asked: Asked) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"text": "est')
    assert request.transport is not None
    request.transport.abort()
    return response


async def breaks_off(request: web.Request, asked: Asked) -> web.StreamResponse:
    """As `drops`, but in the middle of chunks."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(b'{"text": "est')
    assert request.transport is not None
    request.transport.abort()
    return response


async def floods(request: web.Request, asked: Asked) -> web.StreamResponse:
    """Answer without an end."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"text": "')
    with contextlib.suppress(ConnectionError):
        while not request.app[CLOSING].is_set():
            await response.write(b"est " * 16_384)
    return response


async def trickles(request: web.Request, asked: Asked) -> web.StreamResponse:
    """Always say a little more, so that no time-out between two packets is ever met."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        while not request.app[CLOSING].is_set():
            await response.write(b" ")
            await asyncio.sleep(0.01)
    return response


async def hangs(request: web.Request, asked: Asked) -> web.StreamResponse:
    await request.app[CLOSING].wait()
    return web.Response()


class FakeEndpoint:
    """Behaves as `script` says, one entry a request, the last for ever."""

    def __init__(self) -> None:
        self.script: list[Behaviour] = [hears]
        self.asked: list[Asked] = []
        self.url = ""
        self.was_asked = asyncio.Event()

    def options(self, **changes: Any) -> ProviderOptions:
        known: dict[str, Any] = {"base_url": self.url, "api_key": KEY, "remote_model": MODEL}
        return ProviderOptions(**(known | changes))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        file = form["file"]
        assert isinstance(file, web.FileField)
        assert file.content_type == "audio/wav"
        with wave.open(io.BytesIO(file.file.read())) as reader:
            assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, 16_000)
            samples = np.frombuffer(reader.readframes(reader.getnframes()), "<i2").astype(np.float32) / 32_767
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        granularities = [str(value) for value in form.getall("timestamp_granularities[]", [])]
        asked = Asked(samples, fields, granularities, dict(request.headers))
        self.asked.append(asked)
        self.was_asked.set()
        behaviour = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        response = await behaviour(request, asked)
        response.force_close()  # no test leaves the next one a socket
        return response


@asynccontextmanager
async def fake_endpoint(tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeEndpoint]:
    fake = FakeEndpoint()
    application = web.Application(client_max_size=1 << 25)
    application.router.add_post("/v1/audio/transcriptions", fake.handle)
    async with served(application, tls) as address:
        fake.url = f"{address}/v1"
        yield fake
