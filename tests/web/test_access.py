"""Every route, with every wrong token."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any, get_args

import jwt
import pytest

from server.web.auth import TokenRole
from server.web.routes import ROUTES, Route

from .conftest import KEY, SECRET, House
from .fakes import CONSULTATION, OTHER_CONSULTATION

GUARDED = [route for route in ROUTES if route.access.roles]
OPEN = [route for route in ROUTES if not route.access.roles]
OF_A_CONSULTATION = [route for route in GUARDED if "{consultation_id}" in route.path]
# A proxy's header, so that the server does not take the tests for callers on its own machine.
ELSEWHERE = {"X-Forwarded-For": "203.0.113.7"}


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


def filled(route: Route, consultation_id: str = CONSULTATION) -> str:
    path = route.path.replace(":.+", "")
    return path.format(
        consultation_id=consultation_id, name="clinician.ogg", agent_id="default", path="style.css", form="md"
    )


def claims(role: str, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    made: dict[str, Any] = {"iss": KEY, "sub": "x", "name": "X", "role": role, "nbf": now - 5, "exp": now + 600}
    if role != "service":
        made["consultation"] = CONSULTATION
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


def signed(payload: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(payload, secret, algorithm=algorithm)


def unsigned(role: str) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims(role))}."


BAD_TOKENS: dict[str, Callable[[str], str]] = {
    "expired": lambda role: signed(claims(role, exp=int(time.time()) - 60)),
    "not yet valid": lambda role: signed(claims(role, nbf=int(time.time()) + 600)),
    "wrong signature": lambda role: signed(claims(role), "another secret, also long enough to sign with"),
    "alg none": unsigned,
    "another algorithm": lambda role: signed(claims(role), SECRET * 2, "HS512"),
    "same secret, another algorithm": lambda role: signed(claims(role), SECRET + " " * 64, "HS384"),
    "another issuer": lambda role: signed(claims(role, iss="somebody")),
    "no issuer": lambda role: signed(claims(role, iss=None)),
    "no expiry": lambda role: signed(claims(role, exp=None)),
    "no nbf": lambda role: signed(claims(role, nbf=None)),
    "no subject": lambda role: signed(claims(role, sub=None)),
    "no name": lambda role: signed(claims(role, name=None)),
    "unknown role": lambda role: signed({**claims(role), "role": "admin"}),
    "a participant without a consultation": lambda role: signed(claims("clinician", consultation=None)),
    "a service with a consultation": lambda role: signed(claims("service", consultation=CONSULTATION)),
    "no token at all": lambda role: "",
    "nonsense": lambda role: "a.b.c",
    "endless": lambda role: "a" * 6000,
}


@pytest.mark.parametrize("route", GUARDED, ids=named)
async def test_a_guarded_route_refuses_callers_without_a_token(house: House, route: Route) -> None:
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}):
        answer = await house.call(route.method, filled(route), None, headers={**ELSEWHERE, **headers})
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert (await answer.json())["error"]["code"] == "unauthorized"


@pytest.mark.parametrize("route", GUARDED, ids=named)
async def test_a_guarded_route_refuses_every_bad_token(house: House, route: Route) -> None:
    statuses = {}
    for fault, make in BAD_TOKENS.items():
        headers = {**ELSEWHERE, "Authorization": f"Bearer {make(sorted(route.access.roles)[0])}"}
        statuses[fault] = (await house.call(route.method, filled(route), None, headers=headers)).status
    assert statuses == dict.fromkeys(BAD_TOKENS, 401)


@pytest.mark.parametrize("route", GUARDED, ids=named)
async def test_a_guarded_route_refuses_the_roles_it_does_not_name(house: House, route: Route) -> None:
    for role in set(get_args(TokenRole)) - route.access.roles:
        answer = await house.call(route.method, filled(route), role, headers=ELSEWHERE)
        assert (answer.status, (await answer.json())["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("route", GUARDED, ids=named)
async def test_a_guarded_route_lets_the_roles_it_names_in(house: House, route: Route) -> None:
    for role in route.access.roles:
        answer = await house.call(route.method, filled(route), role, headers=ELSEWHERE)
        assert answer.status not in {401, 403, 405, 500}


@pytest.mark.parametrize("route", OF_A_CONSULTATION, ids=named)
async def test_a_foreign_token_cannot_tell_whether_a_consultation_exists(house: House, route: Route) -> None:
    for role in route.access.roles - {"service"}:
        answers = [
            await house.call(route.method, filled(route, consultation_id), role)
            for consultation_id in (OTHER_CONSULTATION, "no-such-consultation", "NOT%20AN%00ID")
        ]
        assert [answer.status for answer in answers] == [403, 403, 403]
        assert len({await answer.text() for answer in answers}) == 1


@pytest.mark.parametrize("route", OF_A_CONSULTATION, ids=named)
async def test_nothing_is_found_under_an_unknown_consultation(house: House, route: Route) -> None:
    body = {"json": {"role": "patient", "identity": "m", "name": "M"}} if route.path.endswith("/tokens") else {}
    for consultation_id in ("no-such-consultation", "UPPER", "%00", "..%2f..%2fetc", "x" * 200, "%FF%FE"):
        answer = await house.call(route.method, filled(route, consultation_id), **body)
        assert (answer.status, (await answer.json())["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("route", OPEN, ids=named)
async def test_an_open_route_asks_for_no_token(house: House, route: Route) -> None:
    assert (await house.call(route.method, filled(route), None)).status != 401


def test_only_what_says_nothing_about_anybody_is_open() -> None:
    assert {route.path for route in OPEN} == {
        "/",
        "/join",
        "/agents",
        "/static/{path:.+}",
        "/ws",
        "/healthz",
        "/api/openapi.json",
    }


def test_participants_are_let_into_consultation_routes_alone() -> None:
    assert all("{consultation_id}" in route.path for route in GUARDED if route.access.roles != {"service"})


async def test_metrics_are_told_to_this_machine_but_not_to_what_a_proxy_passes_on(house: House) -> None:
    assert (await house.call("GET", "/metrics", None)).status == 200
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        answer = await house.call("GET", "/metrics", None, headers={header: "203.0.113.7"})
        assert answer.status == 401


async def test_a_method_nobody_offers_is_refused_with_those_that_exist(house: House) -> None:
    answer = await house.call("DELETE", "/api/consultations")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET,HEAD,POST"
    assert (await answer.json())["error"]["code"] == "method_not_allowed"


async def test_an_unknown_address_is_a_problem_body(house: House) -> None:
    answer = await house.call("GET", "/api/nothing", None)
    assert answer.status == 404
    assert (await answer.json()) == {"error": {"code": "not_found", "message": "There is nothing at this address."}}
