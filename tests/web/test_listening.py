"""A browser's own player reads recordings by a cookie: an hour, one consultation, recordings only."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from aiohttp import ClientResponse

from server.web.access import LISTENING_COOKIE

from .conftest import House
from .fakes import CONSULTATION, OTHER_CONSULTATION, RECORDED_BYTES

FILES = f"/api/consultations/{CONSULTATION}/recordings"
PLAYED = f"{FILES}/patient.ogg"
LISTENING = f"/api/consultations/{CONSULTATION}/listening"


def cookie(answer: ClientResponse) -> SimpleCookie:
    return SimpleCookie("; ".join(answer.headers.getall("Set-Cookie")))


async def allowed(house: House, role: str = "clinician") -> str:
    answer = await house.call("POST", LISTENING, role)
    assert answer.status == 200
    house.client.session.cookie_jar.clear()
    return cookie(answer)[LISTENING_COOKIE].value


async def play(house: House, path: str, token: str, **headers: str) -> ClientResponse:
    return await house.call("GET", path, None, headers={"Cookie": f"{LISTENING_COOKIE}={token}", **headers})


async def test_a_player_gets_the_file_and_parts_of_it(house: House) -> None:
    token = await allowed(house)
    whole = await play(house, PLAYED, token)
    part = await play(house, PLAYED, token, Range="bytes=10-19")
    assert (whole.status, await whole.read()) == (200, RECORDED_BYTES)
    assert (part.status, await part.read()) == (206, RECORDED_BYTES[10:20])


async def test_no_script_and_no_other_site_gets_the_cookie(house: House) -> None:
    answer = await house.call("POST", LISTENING, "clinician")
    morsel = cookie(answer)[LISTENING_COOKIE]
    assert (morsel["httponly"], morsel["samesite"], morsel["secure"]) == (True, "Strict", True)
    assert morsel["path"] == f"{FILES}/"
    assert 3500 < int(morsel["max-age"]) <= 3600


async def test_it_ends_with_the_token_that_asked_for_it(house: House) -> None:
    short = house.token("clinician", ttl_s=60)
    headers = {"Authorization": f"Bearer {short}"}
    answer = await house.call("POST", LISTENING, None, headers=headers)
    assert int(cookie(answer)[LISTENING_COOKIE]["max-age"]) <= 60


@pytest.mark.parametrize("path", ["", "/recordings", "/recordings/peaks.json", "/transcript", "/activity"])
async def test_nothing_else_is_read_by_it(house: House, path: str) -> None:
    token = await allowed(house)
    assert (await play(house, f"/api/consultations/{CONSULTATION}{path}", token)).status == 401


@pytest.mark.parametrize("path", ["", "/listening", "/transcript", "/tips", "/end"])
async def test_what_it_holds_opens_nothing_else_as_a_token_either(house: House, path: str) -> None:
    headers = {"Authorization": f"Bearer {await allowed(house)}"}
    method = "POST" if path in ("/listening", "/end") else "GET"
    answer = await house.call(method, f"/api/consultations/{CONSULTATION}{path}", None, headers=headers)
    assert answer.status == 403


async def test_a_token_that_has_just_ended_is_not_carried_on(house: House) -> None:
    # Clocks differ, so tokens count for ten seconds more; each cookie got then would have brought eleven more.
    ended = {"Authorization": f"Bearer {house.token('clinician', ttl_s=-5)}"}
    assert (await house.call("GET", FILES, None, headers=ended)).status == 200
    answer = await house.call("POST", LISTENING, None, headers=ended)
    assert (answer.status, answer.headers.getall("Set-Cookie", [])) == (401, [])


async def test_another_consultation_is_not_read_by_it(house: House) -> None:
    token = await allowed(house, "service")
    assert (await play(house, f"/api/consultations/{OTHER_CONSULTATION}/recordings/patient.ogg", token)).status == 403
    assert (await play(house, PLAYED, "nonsense")).status == 401


async def test_who_may_not_hear_the_recordings_may_not_listen(house: House) -> None:
    assert (await house.call("POST", LISTENING, "patient")).status == 403
    patient = house.token("patient")
    assert (await play(house, PLAYED, patient)).status == 403


async def test_where_nothing_is_recorded_there_is_nothing_to_listen_to(house: House) -> None:
    path = f"/api/consultations/{OTHER_CONSULTATION}/listening"
    assert (await house.call("POST", path)).status == 404
