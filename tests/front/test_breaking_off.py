"""Requests and answers share connections: where one breaks off or lies about its length, no other is mixed into it."""

import asyncio
from contextlib import suppress

import pytest
import structlog
from aiohttp import web

from .conftest import FakeWorker, Stand, exchanged


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
async def test_no_body_becomes_a_request_of_its_own(stand: Stand, path: str) -> None:
    seen: list[tuple[str, str | None]] = []

    async def answer(request: web.Request, worker: FakeWorker) -> web.Response:
        seen.append((request.path, request.remote))
        return web.Response(text="")

    for each in (path, "/api/agents", "/stolen"):
        stand.route("*", each, answer)
    await stand.start()
    inner = b"GET /stolen HTTP/1.1\r\nHost: a\r\nEscuta-Front-Remote: 127.6.6.6\r\n\r\n"
    length = b"Content-Length: %d\r\n" % len(inner)
    ours = b"Escuta-Front-Remote: 127.0.0.1\r\nEscuta-Front-Scheme: http\r\n\r\n"
    # As long as the head in which the front passes the second request on.
    body = b"x" * len(b"POST /api/agents HTTP/1.1\r\nHost: a\r\n" + length + ours)
    await exchanged(stand.port, b"GET %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d" % (path.encode(), len(body)), body)
    await exchanged(stand.port, b"POST /api/agents HTTP/1.1\r\nHost: a\r\n" + length.rstrip(), inner)
    assert seen == [(path, "127.0.0.1"), (path, "127.0.0.1"), ("/api/agents", "127.0.0.1")]


async def test_an_answer_that_breaks_off_does_not_look_whole(stand: Stand) -> None:
    async def break_off(request: web.Request, worker: FakeWorker) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 1000
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    stand.route("GET", "/broken", break_off)
    await stand.start()
    answer = await stand.client.get("/broken")
    with pytest.raises(Exception, match=r"not completed|payload|closed"):
        await answer.read()


async def test_an_answer_that_stalls_ends_without_a_second_one(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    told = asyncio.Event()

    async def stall(request: web.Request, worker: FakeWorker) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 1000
        await response.prepare(request)
        await response.write(b"half")
        await told.wait()
        return response

    monkeypatch.setattr("server.front.workers._ANSWER_WITHIN_S", 0.1)
    stand.route("GET", "/stalled", stall)
    await stand.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
    writer.write(b"GET /stalled HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = await reader.read()  # to the end of the connection
    told.set()
    writer.close()
    await writer.wait_closed()
    assert answer.count(b"HTTP/1.1") == 1
    assert answer.endswith(b"\r\n\r\nhalf")


async def test_who_leaves_in_the_middle_of_an_answer_is_no_failure_of_ours(stand: Stand) -> None:
    async def much(request: web.Request, worker: FakeWorker) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b"x" * 100_000)
        left.set()
        return response

    left = asyncio.Event()
    stand.route("GET", "/much", much)
    await stand.start()
    with structlog.testing.capture_logs() as logged:
        _, writer = await asyncio.open_connection("127.0.0.1", stand.port)
        writer.write(b"GET /much HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(0.1)
        writer.transport.abort()
        await left.wait()
    assert logged == []
