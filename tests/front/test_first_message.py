"""The first message names the consultation, or nothing: it is never trusted and never harms."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.front.first_message import consultation_in
from server.web.messages import MAX_MESSAGE_BYTES

from .conftest import join_message


def token(claims: object) -> str:
    return "e30." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".x"


def test_the_consultation_of_a_real_join_is_found() -> None:
    assert consultation_in(json.dumps(join_message("consultation-7"))) == "consultation-7"


def test_a_service_token_names_none() -> None:
    assert consultation_in(json.dumps(join_message(None, "service"))) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"join"',
        "{",
        "[" * 50_000,
        '{"token": 7}',
        '{"token": ""}',
        '{"token": "a.b"}',
        '{"token": "a.\\ud800.c"}',
        json.dumps({"token": token([1])}),
        json.dumps({"token": token({"consultation": 7})}),
        json.dumps({"token": "a." + base64.urlsafe_b64encode(b"[" * 2000).decode() + ".c"}),
        json.dumps({"token": "a." + "A" * 5000 + ".c"}),
        json.dumps({"token": token({"consultation": "x"}), "more": "y" * MAX_MESSAGE_BYTES}),
    ],
)
def test_nonsense_names_none(text: str) -> None:
    assert consultation_in(text) is None


@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_no_text_raises(text: str) -> None:
    consultation_in(text)
    consultation_in(json.dumps({"token": text}))
    consultation_in(json.dumps({"token": f"a.{text}.b"}))
