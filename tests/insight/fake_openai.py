"""A chat completions endpoint on loopback that misbehaves as told."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.served import CLOSING, served

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


def completion(text: Any, **changes: Any) -> dict[str, Any]:
    return {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "fake-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16},
    } | changes


def says(content: Any) -> Behaviour:
    async def behave(request: web.Request) -> web.StreamResponse:
        return web.json_response(completion(content if isinstance(content, str) else json.dumps(content)))

    return behave


def status(code: int, headers: dict[str, str] | None = None) -> Behaviour:
    async def behave(request: web.Request) -> web.StreamResponse:
        # Such servers echo what they were sent; nothing of it may reach an error message.
        return web.Response(status=code, headers=headers, text=await request.text(), content_type="application/json")

    return behave


def body(text: str, code: int = 200) -> Behaviour:
    async def behave(request: web.Request) -> web.StreamResponse:
        return web.Response(status=code, text=text, content_type="application/json")

    return behave


def event(data: Any) -> bytes:
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


def chunk(delta: dict[str, Any] | str, finish: str | None = None, **changes: Any) -> bytes:
    """Return the event of one chunk: a delta, or the text of one."""
    spoken = {"content": delta} if isinstance(delta, str) else delta
    choice = {"index": 0, "delta": spoken, "finish_reason": finish}
    return event({"id": "c1", "object": "chat.completion.chunk", "model": "fake-1", "choices": [choice]} | changes)


USAGE = event({"id": "c1", "choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}})
DONE = event(b"[DONE]")
END = (chunk({}, "stop"), USAGE, DONE)
Part = bytes | str | Callable[[web.Request], Awaitable[None]]


def streams(*parts: Part, kind: str = "text/event-stream") -> Behaviour:
    """Send events: text as a chunk of its own, bytes as they are; wait for what is neither."""

    async def behave(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        for part in parts:
            if callable(part):
                await part(request)
            else:
                await response.write(chunk(part) if isinstance(part, str) else part)
        return response

    return behave


async def silence(request: web.Request) -> None:
    """Say nothing more until the test is over."""
    await request.app[CLOSING].wait()


async def cut(request: web.Request) -> None:
    """Drop the connection. What was written before is on its way."""
    await asyncio.sleep(0.02)
    assert request.transport is not None
    request.transport.abort()
    await asyncio.sleep(0.02)


async def drops(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"id": "c1", "choices"')
    assert request.transport is not None
    request.transport.abort()
    return response


async def hangs(request: web.Request) -> web.StreamResponse:
    await request.app[CLOSING].wait()
    return web.Response()


class FakeOpenAI:
    """Behaves as `script` says, one entry a request, the last for ever."""

    def __init__(self) -> None:
        self.script: list[Behaviour] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self.asked = asyncio.Event()
        self.models: list[str] | None = None
        self.models_status = 200

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        if self.models is None or self.models_status != 200:
            return web.json_response({}, status=404 if self.models is None else self.models_status)
        return web.json_response({"object": "list", "data": [{"id": name} for name in self.models]})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        self.asked.set()
        behaviour = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return await behaviour(request)


@asynccontextmanager
async def fake_openai(tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeOpenAI]:
    fake = FakeOpenAI()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", fake.handle)
    app.router.add_get("/v1/models", fake.list_models)
    async with served(app, tls, shutdown_s=0.1) as address:
        fake.url = f"{address}/v1"
        yield fake
