"""Create, list, read, end, and issue join tokens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from server.web.application import WebContext, setup_web

from .conftest import House
from .fakes import CONSULTATION, ENDED_CONSULTATION, OTHER_CONSULTATION, FakeRooms, FakeStore

ONE = f"/api/consultations/{CONSULTATION}"


async def test_a_created_consultation_can_be_read(house: House) -> None:
    created = await house.call("POST", "/api/consultations", json={"title": "Retorno 🩺", "language": "en"})
    assert created.status == 201
    made = await created.json()
    assert (made["title"], made["language"], made["agent_id"]) == ("Retorno 🩺", "en", "default")
    read = await (await house.call("GET", f"/api/consultations/{made['id']}")).json()
    assert read == {**made, "live": False, "consent_mode": "ask", "voices_go_to": None, "participants": []}


@pytest.fixture
async def elsewhere(context: WebContext) -> AsyncIterator[House]:
    """A server that may send voices to a service, and does for the agent `default` alone."""
    service = {
        "speech_base_url": "https://speech.example.org:8443/private/v1",
        "speech_api_key": SecretStr("sk-private"),
    }
    app = web.Application()
    setup_web(app, replace(context, settings=context.settings.model_copy(update=service)))
    async with TestClient(TestServer(app)) as client:
        assert isinstance(context.store, FakeStore)
        assert isinstance(context.rooms, FakeRooms)
        default = context.store.listeners["default"]
        context.store.listeners["default"] = default.model_copy(update={"speech_provider": "openai_compatible"})
        yield House(client, context.store, context.rooms, context.authority, context)


@pytest.mark.parametrize("role", ["clinician", "patient", "service"])
async def test_before_joining_everybody_can_read_which_service_hears_them(elsewhere: House, role: str) -> None:
    answer = await (await elsewhere.call("GET", ONE, role)).text()
    assert json.loads(answer)["voices_go_to"] == "speech.example.org"
    assert "private" not in answer
    assert "8443" not in answer


async def test_a_live_consultation_is_heard_by_whom_it_began_with(elsewhere: House) -> None:
    elsewhere.rooms.live.append(CONSULTATION)
    elsewhere.rooms.heard_by = "faster_whisper"
    assert (await (await elsewhere.call("GET", ONE)).json())["voices_go_to"] is None


@pytest.mark.parametrize(
    ("wish", "language"),
    [({}, "pt"), ({"agent_id": "english"}, "en"), ({"agent_id": "english", "language": "auto"}, "auto")],
    ids=["the server's", "the agent's", "its own"],
)
async def test_a_consultation_takes_the_nearest_language(house: House, wish: dict[str, str], language: str) -> None:
    made = await (await house.call("POST", "/api/consultations", json=wish)).json()
    assert (made["language"], made["status"]) == (language, "scheduled")


async def test_a_consultation_is_not_created_for_an_agent_that_does_not_exist(house: House) -> None:
    answer = await house.call("POST", "/api/consultations", json={"agent_id": "nobody"})
    assert answer.status == 404
    assert len(house.store.kept) == 3


async def test_pages_of_the_list_join_without_gap_or_repetition(house: House) -> None:
    seen: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = await (await house.call("GET", "/api/consultations", params=query)).json()
        seen += [one["id"] for one in page["consultations"]]
        if page["next_before"] is None:
            break
        query["before"] = page["next_before"]
    assert seen == [ENDED_CONSULTATION, OTHER_CONSULTATION, CONSULTATION]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=",
        "before=yesterday",
        "before=0.5",
        "before=2026",
        "limit=1&limit=2",
        "page=2",
        "limit=1%00",
    ],
)
async def test_a_list_query_that_makes_no_sense_is_refused(house: House, query: str) -> None:
    answer = await house.call("GET", f"/api/consultations?{query}")
    assert (answer.status, (await answer.json())["error"]["code"]) == (422, "invalid_request")


async def test_a_time_without_zone_is_taken_as_utc(house: House) -> None:
    answer = await house.call("GET", "/api/consultations?before=2026-03-01T12:01:00")
    assert [one["id"] for one in (await answer.json())["consultations"]] == [CONSULTATION]


async def test_a_participant_reads_who_takes_part(house: House) -> None:
    detail = await (await house.call("GET", ONE, "patient")).json()
    assert detail["live"] is True
    assert [one["name"] for one in detail["participants"]] == ["Dra. Ana", "Maria <b>"]


@pytest.mark.parametrize(("role", "reason"), [("service", "ended_by_api"), ("clinician", "ended_by_clinician")])
async def test_ending_a_call_says_who_ended_it(house: House, role: str, reason: str) -> None:
    answer = await house.call("POST", f"{ONE}/end", role)
    assert await answer.json() == {"id": CONSULTATION, "status": "ended"}
    assert house.rooms.ended == [(CONSULTATION, reason)]


async def test_a_live_call_can_be_ended_while_the_database_is_away(house: House) -> None:
    house.rooms.store.kept.pop(CONSULTATION)
    house.store.away = True
    assert (await house.call("POST", f"{ONE}/end")).status == 200


async def test_ending_what_is_over_changes_nothing(house: House) -> None:
    answer = await house.call("POST", f"/api/consultations/{ENDED_CONSULTATION}/end")
    assert answer.status == 200
    assert house.rooms.ended == []


async def test_an_issued_token_opens_its_seat(house: House) -> None:
    wish = {"role": "patient", "identity": "maria", "name": "Maria", "ttl_s": 120.0}
    answer = await house.call("POST", f"{ONE}/tokens", json=wish)
    assert answer.status == 201
    issued = await answer.json()
    claims = house.authority.verify(issued["token"])
    assert (claims.role, claims.identity, claims.name) == ("patient", "maria", "Maria")
    assert claims.consultation_id == CONSULTATION
    assert datetime.fromisoformat(issued["expires_at"]) == claims.expires_at
    assert claims.expires_at <= datetime.now(UTC) + timedelta(seconds=120)


async def test_a_join_link_carries_its_token_in_the_fragment(house: House) -> None:
    wish = {"role": "clinician", "identity": "ana", "name": "Ana"}
    issued = await (await house.call("POST", f"{ONE}/tokens", json=wish)).json()
    assert issued["link"] == f"https://escuta.example/join#{issued['token']}"


async def test_no_token_is_issued_for_a_consultation_that_is_over(house: House) -> None:
    wish = {"role": "patient", "identity": "maria", "name": "Maria"}
    answer = await house.call("POST", f"/api/consultations/{ENDED_CONSULTATION}/tokens", json=wish)
    assert (answer.status, (await answer.json())["error"]["code"]) == (409, "consultation_over")


@pytest.mark.parametrize(
    "change",
    [
        {"role": "service"},
        {"role": None},
        {"identity": ""},
        {"identity": "a\nb"},
        {"name": "x" * 101},
        {"name": "nul\0"},
        {"name": 7},
        {"ttl_s": 59},
        {"ttl_s": "600"},
        {"ttl_s": 600.5},
        {"ttl_s": 10**30},
        {"ttl_s": True},
        {"consultation": OTHER_CONSULTATION},
    ],
    ids=repr,
)
async def test_a_token_wish_that_cannot_be_met_is_refused(house: House, change: dict[str, object]) -> None:
    wish = {"role": "patient", "identity": "maria", "name": "Maria"} | change
    answer = await house.call("POST", f"{ONE}/tokens", json=wish)
    problem = (await answer.json())["error"]
    assert (answer.status, problem["code"]) == (422, "invalid_request")
    assert next(iter(change)) in problem["message"]
