"""Requests reach the worker they concern as they were sent, and answers come back as they were given."""

import gzip

import pytest
from aiohttp import web
from yarl import URL

from server.front.carried import REMOTE, SCHEME

from .conftest import FakeWorker, Stand, consultation_of, exchanged


async def who(request: web.Request, worker: FakeWorker) -> web.Response:
    return web.json_response(
        {
            "worker": worker.number,
            "path": request.rel_url.raw_path_qs,
            "remote": request.remote,
            "scheme": request.scheme,
            "host": request.host,
            "headers": [[name.lower(), value] for name, value in request.headers.items()],
            "body": (await request.read()).decode(),
        }
    )


@pytest.fixture
async def asked(stand: Stand) -> Stand:
    stand.route("*", "/{path:.*}", who)
    await stand.start()
    return stand


async def test_a_consultations_requests_go_to_its_owner_and_others_to_one_that_is_up(asked: Stand) -> None:
    for number in (0, 1):
        path = f"/api/consultations/{consultation_of(number)}/end?a=%2F&b"
        told = await (await asked.client.post(URL(path, encoded=True), data=b"{}")).json()
        assert (told["worker"], told["body"], told["path"]) == (number, "{}", path)
    for worker in asked.each:
        worker.up = False
        assert (await (await asked.client.get("/api/agents")).json())["worker"] == 1 - worker.number
        worker.up = True


async def test_the_worker_sees_the_caller_and_nobody_can_pretend(asked: Stand) -> None:
    pretended = {REMOTE: "8.8.8.8", SCHEME: "https", "escuta-front-more": "x", "X-Forwarded-For": "1.2.3.4"}
    told = await (await asked.client.get("/", headers={**pretended, "Host": "call.example.org:8443"})).json()
    assert (told["remote"], told["scheme"], told["host"]) == ("127.0.0.1", "http", "call.example.org:8443")
    names = [name for name, _ in told["headers"]]
    assert names.count(REMOTE.lower()) == names.count(SCHEME.lower()) == 1
    assert "escuta-front-more" not in names
    assert ["x-forwarded-for", "1.2.3.4"] in told["headers"]


async def test_headers_for_one_hop_stay_there_and_repeated_ones_stay_apart(asked: Stand) -> None:
    sent = [("Connection", "x-private, keep-alive"), ("X-Private", "1"), ("TE", "trailers"), ("X-A", "1"), ("X-A", "2")]
    told = await (await asked.client.get("/", headers=sent)).json()
    names = [name for name, _ in told["headers"]]
    assert not {"x-private", "te", "transfer-encoding"} & set(names)
    assert [value for name, value in told["headers"] if name == "x-a"] == ["1", "2"]


async def test_no_caller_takes_away_what_the_worker_judges_it_by(asked: Stand) -> None:
    judged = {"X-Forwarded-For": "1.2.3.4", "X-Real-IP": "1.2.3.4", "Forwarded": "for=1.2.3.4", "Via": "1.1 p"}
    sent = {**judged, "Origin": "https://elsewhere.example", "Connection": ", ".join((*judged, "Origin", "Host"))}
    told = await (await asked.client.get("/", headers=sent)).json()
    assert {name.lower() for name in (*judged, "Origin", "Host")} <= {name for name, _ in told["headers"]}


async def test_a_compressed_body_is_passed_on_as_it_is(asked: Stand) -> None:
    headers = {"Content-Encoding": "gzip"}
    told = await (await asked.client.post("/", data=gzip.compress(b"hello"), headers=headers)).json()
    assert told["body"] == "hello"


async def test_a_body_too_large_for_any_route_stops_at_the_front(asked: Stand) -> None:
    answer = await asked.client.post("/api/consultations", data=b"x" * 100_000)
    assert answer.status == 413
    assert (await answer.json())["error"]["code"] == "too_large"


async def test_bytes_that_are_no_text_are_refused_and_harm_nobody(asked: Stand) -> None:
    for head in (
        b"GET /\xff HTTP/1.1\r\nHost: a",
        b"GET / HTTP/1.1\r\nHost: a\r\nX-A: \xff\xfe",
        b"OPTIONS * HTTP/1.1\r\nHost: a",
    ):
        answer = await exchanged(asked.port, head)
        assert b"Internal" not in answer
        assert b" 500 " not in answer
    assert (await asked.client.get("/")).status == 200


async def test_a_worker_that_is_away_is_told_as_unavailable(asked: Stand) -> None:
    asked.each[0].up = False
    answer = await asked.client.get(f"/api/consultations/{consultation_of(0)}")
    assert (answer.status, (await answer.json())["error"]["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "2"
    assert answer.headers["X-Frame-Options"] == "DENY"


async def test_before_the_workers_are_there_the_server_says_that_it_starts(asked: Stand) -> None:
    asked.workers.each = ()
    for path in ("/", "/healthz", "/metrics"):
        assert (await asked.client.get(path)).status == 503


async def test_large_answers_ranges_and_heads_come_back_whole(stand: Stand) -> None:
    content = bytes(range(256)) * 8192

    async def file(request: web.Request, worker: FakeWorker) -> web.StreamResponse:
        part = request.http_range
        body = content[part]
        return web.Response(body=body, status=206 if part.start is not None else 200, headers={"ETag": '"7"'})

    stand.route("*", "/file", file)
    await stand.start()
    whole = await stand.client.get("/file")
    assert await whole.read() == content
    assert whole.headers["ETag"] == '"7"'
    ranged = await stand.client.get("/file", headers={"Range": "bytes=100-199"})
    assert (ranged.status, await ranged.read()) == (206, content[100:200])
    head = await stand.client.head("/file")
    assert (head.headers["Content-Length"], await head.read()) == (str(len(content)), b"")


async def test_health_is_that_of_all(stand: Stand) -> None:
    async def ok(request: web.Request, worker: FakeWorker) -> web.Response:
        return web.json_response({"status": "ok"})

    stand.route("GET", "/healthz", ok)
    await stand.start()
    assert await (await stand.client.get("/healthz")).json() == {"status": "ok"}
    stand.each[1].up = False
    answer = await stand.client.get("/healthz")
    assert answer.status == 503
    assert "Worker 1 of 2" in (await answer.json())["error"]["message"]


async def test_metrics_are_added_up_for_whom_the_workers_let_read_them(stand: Stand) -> None:
    async def tell(request: web.Request, worker: FakeWorker) -> web.Response:
        if request.headers.get("X-Forwarded-For"):
            return web.Response(status=401, text="who?", headers={"WWW-Authenticate": "Bearer"})
        return web.Response(text="# HELP rooms Rooms.\n# TYPE rooms gauge\nrooms 2\n")

    stand.route("GET", "/metrics", tell)
    await stand.start()
    text = await (await stand.client.get("/metrics")).text()
    assert "\nrooms 4\n" in text
    assert 'escuta_worker_up{worker="1"} 1' in text
    refused = await stand.client.get("/metrics", headers={"X-Forwarded-For": "1.2.3.4"})
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    stand.each[1].up = False
    text = await (await stand.client.get("/metrics")).text()
    assert "\nrooms 2\n" in text
    assert 'escuta_worker_up{worker="1"} 0' in text


async def test_what_a_process_counted_is_not_taken_for_its_successors(stand: Stand) -> None:
    async def tell(request: web.Request, worker: FakeWorker) -> web.Response:
        text = f"# HELP calls Calls.\n# TYPE calls counter\ncalls {7 if worker.life == 1 else 0}\n"
        if len(asked) == 1 and worker.number == 0:
            worker.life = 2  # it dies with its answer under way
        if worker.number == 0:
            asked.append(worker.life)
        return web.Response(text=text)

    asked: list[int] = []
    stand.route("GET", "/metrics", tell)
    await stand.start()
    totals = [await (await stand.client.get("/metrics")).text() for _ in range(4)]
    assert [line for text in totals for line in text.splitlines() if line.startswith("calls")] == ["calls 14"] * 4
