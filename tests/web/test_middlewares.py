"""What is around every request: bodies that cannot be used, failures, limits and headers."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import replace

import pytest
from aiohttp import ClientWSTimeout, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from server.settings import Settings
from server.web import exchange
from server.web.application import WebContext, setup_web
from server.web.limits import MAX_BODY_BYTES, Limits, RateLimit
from server.web.routes import ROUTES

from .conftest import House
from .fakes import CONSULTATION

CREATE = "/api/consultations"
JSON = {"Content-Type": "application/json"}

UNUSABLE_BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "an array": b"[]",
    "null": b"null",
    "no UTF-8": b'{"title": "\xff\xfe"}',
    "a NUL": b'{"title": "a\\u0000b"}',
    "a raw NUL": b'{"title": "a\x00b"}',
    "a lone surrogate": b'{"title": "\\ud800"}',
    "an encoded surrogate": b'{"title": "\xed\xa0\x80"}',
    "a line break in a title": b'{"title": "a\\nb"}',
    "deep nesting": b'{"title": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "a huge number": b'{"title": ' + b"9" * 60_000 + b"}",
    "a huge exponent": b'{"title": 1e999999}',
    "NaN": b'{"title": NaN}',
    "an unknown field": b'{"titel": "x"}',
    "a long field name": b'{"' + b"x" * 60_000 + b'": 1}',
    "a wrong type": b'{"title": 7}',
    "a long title": b'{"title": "' + b"x" * 201 + b'"}',
    "a byte order mark": b'\xef\xbb\xbf{"title": "x"}',
    "an unknown language": b'{"language": "xx"}',
}


@pytest.mark.parametrize("body", UNUSABLE_BODIES.values(), ids=UNUSABLE_BODIES)
async def test_an_unusable_body_is_refused_with_a_sentence(house: House, body: bytes) -> None:
    answer = await house.call("POST", CREATE, data=body, headers=JSON)
    problem = (await answer.json())["error"]
    assert (answer.status, problem["code"]) == (422, "invalid_request")
    assert 10 < len(problem["message"]) < 300
    assert len(house.store.kept) == 3


async def test_a_refusal_does_not_repeat_what_was_sent(house: House) -> None:
    answer = await house.call("POST", CREATE, json={"title": ["private words"]})
    assert "private words" not in await answer.text()


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"])
async def test_a_body_must_be_declared_as_json(house: House, content_type: str) -> None:
    answer = await house.call("POST", CREATE, data=b"{}", headers={"Content-Type": content_type})
    assert (answer.status, (await answer.json())["error"]["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "in chunks"])
async def test_a_body_above_the_limit_is_refused(house: House, chunked: bool) -> None:
    async def chunks():  # type: ignore[no-untyped-def]
        for _ in range(MAX_BODY_BYTES // 1024 + 1):
            yield b" " * 1024

    body = chunks() if chunked else b" " * (MAX_BODY_BYTES + 1)
    answer = await house.call("POST", CREATE, data=body, headers=JSON)
    assert (answer.status, (await answer.json())["error"]["code"]) == (413, "too_large")


async def test_a_small_body_that_inflates_above_the_limit_is_refused(house: House) -> None:
    body = zlib.compress(b" " * 10_000_000)
    assert len(body) < MAX_BODY_BYTES
    answer = await house.call("POST", CREATE, data=body, headers={**JSON, "Content-Encoding": "deflate"})
    assert answer.status == 413


async def test_a_body_in_a_broken_encoding_is_refused(house: House) -> None:
    answer = await house.call("POST", CREATE, data=b"not deflate", headers={**JSON, "Content-Encoding": "deflate"})
    assert 400 <= answer.status < 500


async def test_a_body_that_does_not_arrive_is_not_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "BODY_TIMEOUT_S", 0.05)
    sent = asyncio.Event()

    async def stalled():  # type: ignore[no-untyped-def]
        yield b"{"
        await sent.wait()

    calling = asyncio.create_task(house.call("POST", CREATE, data=stalled(), headers=JSON))
    answer = await calling
    assert (answer.status, (await answer.json())["error"]["code"]) == (408, "timeout")
    sent.set()


async def test_a_failure_nobody_foresaw_tells_the_caller_nothing(house: House) -> None:
    house.store.broken = True
    with capture_logs() as logs:
        answer = await house.call("POST", CREATE, json={"title": "private title"})
    assert answer.status == 500
    assert await answer.json() == {
        "error": {"code": "internal", "message": "Something went wrong in the server; its log says more."}
    }
    (entry,) = [line for line in logs if line["event"] == "http.unexpected_error"]
    assert entry["error"] == "RuntimeError"
    assert any("fakes.py" in place for place in entry["at"])
    assert "private" not in repr(logs)


async def test_a_failure_nobody_foresaw_is_counted(house: House) -> None:
    house.store.broken = True
    await house.call("GET", CREATE)
    counter = house.context.metrics.counter("escuta_http_unexpected_errors_total", "")
    assert counter.value(error="RuntimeError") == 1


@pytest.mark.parametrize("role", ["service", "clinician"])
async def test_a_database_that_is_away_is_named_and_asked_again_later(house: House, role: str) -> None:
    house.store.away = True
    answer = await house.call("GET", f"{CREATE}/{CONSULTATION}", role)
    assert (answer.status, (await answer.json())["error"]["code"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_caller_may_hurry_for_a_burst_and_then_at_the_rate() -> None:
    now_s = 0.0
    limit = RateLimit(2, 3, now_s=lambda: now_s)
    assert [limit.spend("a") for _ in range(4)] == [True, True, True, False]
    assert limit.spend("b")
    now_s = 0.5
    assert [limit.spend("a"), limit.spend("a")] == [True, False]
    now_s = 1000.0
    assert [limit.spend("a") for _ in range(4)] == [True, True, True, False]


def test_the_limit_remembers_a_bounded_number_of_callers() -> None:
    limit = RateLimit(0.001, 1, capacity=10, now_s=lambda: 0.0)
    for number in range(1000):
        assert limit.spend(str(number))
    assert len(limit._buckets) == 10
    assert not limit.spend("999")


async def test_one_hurried_participant_does_not_slow_another(context: WebContext) -> None:
    few = Limits(participants=RateLimit(0.001, 2), service=RateLimit(0.001, 2), failures=RateLimit(0.001, 3))
    app = web.Application()
    setup_web(app, replace(context, limits=few))
    async with TestClient(TestServer(app)) as client:
        house = House(client, context.store, context.rooms, context.authority, context)  # type: ignore[arg-type]
        path = f"{CREATE}/{CONSULTATION}"
        assert [(await house.call("GET", path, "patient")).status for _ in range(3)] == [200, 200, 429]
        assert (await house.call("GET", path, "clinician")).status == 200
        answer = await house.call("GET", path, "patient")
        assert (await answer.json())["error"]["code"] == "too_frequent"
        assert "Retry-After" in answer.headers


async def test_guessing_tokens_is_slowed_down_without_locking_others_out(context: WebContext) -> None:
    app = web.Application()
    setup_web(app, replace(context, limits=Limits(failures=RateLimit(0.001, 3))))
    async with TestClient(TestServer(app)) as client:
        house = House(client, context.store, context.rooms, context.authority, context)  # type: ignore[arg-type]
        guess = {"Authorization": "Bearer a.b.c"}
        statuses = [(await house.call("GET", CREATE, None, headers=guess)).status for _ in range(5)]
        assert statuses == [401, 401, 401, 429, 429]
        assert (await house.call("GET", CREATE)).status == 200


@pytest.mark.parametrize(
    "path", ["/", "/static/js/app.js", "/api/nothing", "/api/consultations", "/healthz", "/metrics"]
)
async def test_every_response_closes_the_browsers_doors(house: House, path: str) -> None:
    headers = (await house.call("GET", path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["Server"] == "escuta"
    assert headers["Cache-Control"] in {"no-store", "no-cache"}


async def test_https_is_remembered_where_the_page_is_on_https(house: House, context: WebContext) -> None:
    assert "Strict-Transport-Security" in (await house.call("GET", "/", None)).headers
    app = web.Application()
    setup_web(app, replace(context, settings=Settings(_env_file=None)))
    async with TestClient(TestServer(app)) as client:
        assert "Strict-Transport-Security" not in (await client.get("/")).headers


async def test_requests_are_counted_by_route_and_not_by_address(house: House) -> None:
    for path in (f"{CREATE}/{CONSULTATION}", f"{CREATE}/no-such-consultation", "/nothing-1", "/nothing-2"):
        await house.call("GET", path)
    text = await (await house.call("GET", "/metrics")).text()
    route = 'route="/api/consultations/{consultation_id}"'
    assert f'escuta_http_requests_total{{method="GET",{route},status="200"}} 1\n' in text
    assert f'escuta_http_requests_total{{method="GET",{route},status="404"}} 1\n' in text
    assert 'escuta_http_requests_total{method="GET",route="unknown",status="404"} 2\n' in text
    assert "escuta_live_consultations 1\n" in text
    assert "no-such" not in text
    assert 'escuta_http_request_seconds_bucket{le="+Inf"} 4\n' in text


async def test_the_socket_is_reached_under_ws(house: House) -> None:
    async with house.client.ws_connect("/ws", timeout=ClientWSTimeout(ws_close=5)) as socket:
        assert await socket.receive_str(timeout=5) == "hello"


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if route.method == "GET" and not route.is_socket],
    ids=lambda route: route.path,
)
async def test_head_is_answered_like_get_without_a_body(house: House, route: object) -> None:
    path = route.path.replace(":.+", "")
    path = path.format(
        consultation_id=CONSULTATION, name="clinician.ogg", agent_id="default", path="style.css", form="md"
    )
    got, asked = await house.call("GET", path), await house.call("HEAD", path)
    assert (asked.status, await asked.read()) == (got.status, b"")
    assert asked.content_type == got.content_type
