"""Tokens: what is made can be read, and nothing else."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.model.errors import InvalidSettings, Unauthorized
from server.web.auth import LEEWAY_S, TokenAuthority, bearer_token

from .conftest import KEY, SECRET
from .fakes import CONSULTATION


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authority(clock: Clock) -> TokenAuthority:
    return TokenAuthority(KEY, SECRET, 600, now_s=clock)


def made(authority: TokenAuthority) -> str:
    return authority.issue(identity="ana", name="Dra. Ana 👩‍⚕️", role="clinician", consultation_id=CONSULTATION)


def test_a_made_token_says_what_was_put_into_it(authority: TokenAuthority, clock: Clock) -> None:
    claims = authority.verify(made(authority))
    assert (claims.issuer, claims.identity, claims.name) == (KEY, "ana", "Dra. Ana 👩‍⚕️")
    assert (claims.role, claims.consultation_id) == ("clinician", CONSULTATION)
    assert claims.expires_at.timestamp() == clock.now + 600


def test_a_token_ends_with_its_time_and_a_small_leeway(authority: TokenAuthority, clock: Clock) -> None:
    token = made(authority)
    clock.now += 600 + LEEWAY_S - 1
    authority.verify(token)
    clock.now += 2
    with pytest.raises(Unauthorized, match="expired"):
        authority.verify(token)


def test_a_token_of_a_clock_slightly_ahead_is_valid(authority: TokenAuthority, clock: Clock) -> None:
    token = made(authority)
    clock.now -= LEEWAY_S - 1
    authority.verify(token)
    clock.now -= 2
    with pytest.raises(Unauthorized, match="not valid yet"):
        authority.verify(token)


def test_a_token_lives_as_long_as_its_maker_says(authority: TokenAuthority, clock: Clock) -> None:
    claims = authority.verify(authority.issue(identity="x", name="X", role="service", ttl_s=60))
    assert claims.expires_at.timestamp() == clock.now + 60
    assert claims.consultation_id is None


def test_a_short_secret_signs_nothing() -> None:
    with pytest.raises(InvalidSettings, match="API_SECRET"):
        TokenAuthority(KEY, "short", 600)


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "n" * 101},
        {"name": 7},
        {"name": "nul\0"},
        {"name": "\ud800"},
        {"sub": ""},
        {"sub": "s" * 129},
        {"sub": "line\nbreak"},
        {"role": ["clinician"]},
        {"role": {"clinician": 1}},
        {"role": None},
        {"consultation": "SHORT"},
        {"consultation": 12345678},
        {"consultation": ["consultation-one"]},
        {"exp": "tomorrow"},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": 10**400},
        {"exp": True},
        {"exp": [2_000_000_000]},
        {"nbf": None},
        {"nbf": float("nan")},
        {"nbf": {}},
        {"aud": "somebody else"},
    ],
    ids=repr,
)
def test_a_well_signed_token_with_an_unusable_claim_is_refused(
    authority: TokenAuthority, clock: Clock, change: dict[str, Any]
) -> None:
    payload = {
        "iss": KEY,
        "sub": "ana",
        "name": "Ana",
        "role": "clinician",
        "consultation": CONSULTATION,
        "nbf": clock.now,
        "exp": clock.now + 60,
    }
    authority.verify(jwt.encode(payload, SECRET, algorithm="HS256"))
    token = jwt.api_jws.encode(json.dumps(payload | change).encode(), SECRET, algorithm="HS256")
    with pytest.raises(Unauthorized):
        authority.verify(token)


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "header",
    ["[" * 3000, '{"alg":"HS256","kid":"\\ud800"}', '{"alg":{}}', "[]", "7", '{"alg":"HS256","crit":["x"]}', ""],
    ids=lambda text: text[:20],
)
def test_a_hostile_header_is_refused_like_any_other(authority: TokenAuthority, header: str) -> None:
    _, payload, signature = made(authority).split(".")
    with pytest.raises(Unauthorized):
        authority.verify(f"{_encoded(header)}.{payload}.{signature}")


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,50}"))
def test_no_text_makes_the_authority_stumble(token: str) -> None:
    with pytest.raises(Unauthorized):
        TokenAuthority(KEY, SECRET, 600).verify(token)


@pytest.mark.parametrize("position", [0, 10, 40, 80, 150, -1])
def test_one_changed_character_spoils_a_token(authority: TokenAuthority, position: int) -> None:
    token = made(authority)
    other = "A" if token[position] != "A" else "Q"
    index = position % len(token)
    with pytest.raises(Unauthorized):
        authority.verify(token[:index] + other + token[index + 1 :])


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "abc", "Token abc"])
def test_a_header_without_a_bearer_token_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthorized):
        bearer_token(header)


def test_the_scheme_is_read_in_any_case() -> None:
    assert bearer_token("bearer  abc ") == "abc"
