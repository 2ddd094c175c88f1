"""A source is asked within bounds, changes nothing, and costs no more than its own data when it fails."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiohttp import web
from psycopg.conninfo import conninfo_to_dict

from server.insight.background import Subject
from server.insight.sources.file import sources
from server.insight.sources.look_up import look_up_in
from server.model.errors import InvalidSettings
from tests.served import CLOSING, served

SUBJECT = Subject("consultation-1", patient="maria/../x?y=1'; DROP TABLE labs", clinician="ana")
KEY = "Bearer very-secret"


def toml(path: Path, hosts: list[str], **sources: dict[str, Any]) -> Path:
    lines = [f"hosts = {json.dumps(hosts)}"]
    for name, fields in sources.items():
        lines += ["[[source]]", f"name = {json.dumps(name)}"]
        for key, value in fields.items():
            inner = value if isinstance(value, dict) else {}
            inline = "{ " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in inner.items()) + " }"
            lines.append(f"{key} = {inline if inner else json.dumps(value)}")
    path.write_text("\n".join(lines), "utf-8")
    return path


class Record:
    """A patient record on loopback; `answer` says what it does."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.answer: Any = {"allergies": ["dipirona"]}
        self.base = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        if callable(self.answer):
            return await self.answer(request)
        return web.json_response(self.answer)


@pytest.fixture
async def record() -> AsyncIterator[Record]:
    made = Record()
    application = web.Application()
    application.router.add_get("/{path:.*}", made.serve)
    async with served(application) as made.base:
        yield made


def http(record: Record, **more: Any) -> dict[str, Any]:
    return {"kind": "http", "url": record.base + "/p/{patient}?by={clinician}", "timeout_s": 5.0} | more


async def test_an_endpoint_is_asked_with_its_key_about_the_patient(record: Record, tmp_path: Path) -> None:
    file = toml(tmp_path / "s.toml", ["127.0.0.1"], record=http(record, headers={"Authorization": KEY}))
    found = await look_up_in(file)(["record"], SUBJECT)
    assert found.data == {"record": {"allergies": ["dipirona"]}}
    assert found.states == {"record": "ok"}
    (asked,) = record.asked
    assert asked.headers["Authorization"] == KEY
    assert asked.raw_path == "/p/maria%2F..%2Fx%3Fy%3D1%27%3B%20DROP%20TABLE%20labs?by=ana"


async def hangs(request: web.Request) -> web.StreamResponse:
    await request.app[CLOSING].wait()
    return web.Response()


async def fails(request: web.Request) -> web.StreamResponse:
    return web.Response(status=500, text=str(request.headers))


async def no_json(request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>")


async def elsewhere(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/other")


@pytest.mark.parametrize(
    ("answer", "more", "says"),
    [
        (hangs, {"timeout_s": 0.05}, "did not answer within 0.05 s"),
        (fails, {}, "status 500"),
        (no_json, {}, "JSON"),
        (elsewhere, {}, "status 302"),
        (["x" * 2000], {"max_bytes": 1000}, "more than 1000 bytes"),
    ],
)
async def test_a_failing_endpoint_costs_its_data_and_says_nothing_secret(
    answer: Any, more: dict[str, Any], says: str, record: Record, tmp_path: Path
) -> None:
    record.answer = answer
    good = http(record, url=record.base + "/good")
    file = toml(
        tmp_path / "s.toml", ["127.0.0.1"], record=http(record, headers={"Authorization": KEY}, **more), good=good
    )
    found = await look_up_in(file)(["record", "none"], SUBJECT)
    assert found.data == {}
    assert says in found.states["record"]
    assert "no such source" in found.states["none"]
    assert KEY not in repr(found)
    assert len(record.asked) == 1, "a redirect must not be followed"


async def test_nobody_listening_is_said(tmp_path: Path) -> None:
    file = toml(tmp_path / "s.toml", ["127.0.0.1"], record={"kind": "http", "url": "http://127.0.0.1:9/"})
    assert (await look_up_in(file)(["record"], SUBJECT)).states == {"record": "It cannot be reached."}


@pytest.mark.parametrize("patient", ["", ".", ".."])
async def test_a_source_is_not_asked_about_nobody_nor_led_elsewhere(
    patient: str, record: Record, tmp_path: Path
) -> None:
    file = toml(tmp_path / "s.toml", ["127.0.0.1"], record=http(record))
    found = await look_up_in(file)(["record"], Subject("consultation-1", patient=patient, clinician="ana"))
    assert found.data == {}
    assert record.asked == []


@pytest.mark.parametrize(
    ("fields", "hosts", "says"),
    [
        ({"kind": "http", "url": "https://ehr.example/x"}, ["other.example"], "not in hosts"),
        ({"kind": "http", "url": "https://{patient}.example/x"}, ["{patient}.example"], "placeholder in its host"),
        ({"kind": "http", "url": "file:///etc/passwd"}, [""], "not an http"),
        ({"kind": "http", "url": "https://ehr.example/{secret}"}, ["ehr.example"], "unknown parameter"),
        ({"kind": "http", "url": "https://ehr.example/{patient.__class__}"}, ["ehr.example"], "plain name"),
        ({"kind": "sql", "database_url": "postgresql://u:hush@db/x", "query": "SELECT 1"}, ["ehr"], "not in hosts"),
        ({"kind": "sql", "database_url": "postgresql://u:hush@db/x", "query": "COMMIT; SELECT 1"}, ["db"], "more than"),
        ({"kind": "shell", "command": "hush"}, [], "does not match"),
    ],
)  # fmt: skip
def test_a_file_that_reaches_too_far_is_refused_without_its_secrets(
    fields: dict[str, Any], hosts: list[str], says: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidSettings) as refused:
        sources(toml(tmp_path / "s.toml", hosts, one=fields))
    assert says in str(refused.value)
    assert "hush" not in str(refused.value)


def test_no_file_is_no_sources_and_an_unreadable_one_is_said(tmp_path: Path) -> None:
    assert sources(None) == {}
    for name, text in (("missing.toml", None), ("broken.toml", "hosts = [")):
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(InvalidSettings, match="CONTEXT_SOURCES"):
            sources(tmp_path / name)


@pytest.fixture
async def labs(database_url: str) -> str:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("CREATE TABLE labs (patient text, taken date, value numeric)")
        await connection.execute("INSERT INTO labs SELECT %s, DATE '2026-01-01' + n, n FROM generate_series(0, 9) n",
                                 (SUBJECT.patient,))  # fmt: skip
    return database_url


def sql(labs: str, tmp_path: Path, query: str, **more: Any) -> Path:
    fields = {"kind": "sql", "database_url": labs, "query": query, "timeout_s": 5.0} | more
    return toml(tmp_path / "s.toml", [str(conninfo_to_dict(labs)["host"])], labs=fields)


async def test_a_query_gets_bound_parameters_and_at_most_so_many_rows(labs: str, tmp_path: Path) -> None:
    query = "SELECT taken, value FROM labs WHERE patient = %(patient)s ORDER BY taken;"
    found = await look_up_in(sql(labs, tmp_path, query, max_rows=2))(["labs"], SUBJECT)
    assert found.states == {"labs": "ok"}
    assert found.data["labs"] == [{"taken": "2026-01-01", "value": "0"}, {"taken": "2026-01-02", "value": "1"}]


@pytest.mark.parametrize(
    ("query", "more", "says"),
    [
        ("DELETE FROM labs WHERE patient = %(patient)s RETURNING *", {}, "refused"),
        ("WITH gone AS (DELETE FROM labs RETURNING *) SELECT * FROM gone", {}, "refused"),
        ("SELECT setval('s', 1), nextval('s') FROM labs", {}, "refused"),
        ("SELECT pg_sleep(30)", {"timeout_s": 0.2}, "did not answer within 0.2 s"),
        ("SELECT repeat('x', 5000)", {"max_bytes": 1000}, "more than 1000 bytes"),
        ("SELECT nothing FROM nowhere", {}, "refused the query (42P01)"),
    ],
)
async def test_a_query_changes_nothing_and_stays_within_its_bounds(
    query: str, more: dict[str, Any], says: str, labs: str, tmp_path: Path
) -> None:
    found = await look_up_in(sql(labs, tmp_path, query, **more))(["labs"], SUBJECT)
    assert found.data == {}
    assert says in found.states["labs"]
    async with await psycopg.AsyncConnection.connect(labs) as connection:
        assert await (await connection.execute("SELECT count(*) FROM labs")).fetchone() == (10,)


async def test_a_function_that_writes_is_stopped_by_the_transaction(labs: str, tmp_path: Path) -> None:
    async with await psycopg.AsyncConnection.connect(labs, autocommit=True) as connection:
        await connection.execute("CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM labs RETURNING 1'")
    found = await look_up_in(sql(labs, tmp_path, "SELECT wipe()"))(["labs"], SUBJECT)
    assert found.states == {"labs": "Its query wants to change something, which it may not."}


async def test_sources_are_asked_at_once(record: Record, tmp_path: Path) -> None:
    both = asyncio.Barrier(2)

    async def together(request: web.Request) -> web.StreamResponse:
        async with asyncio.timeout(5):
            await both.wait()
        return web.json_response({})

    record.answer = together
    file = toml(tmp_path / "s.toml", ["127.0.0.1"], one=http(record), two=http(record))
    assert (await look_up_in(file)(["one", "two"], SUBJECT)).states == {"one": "ok", "two": "ok"}
