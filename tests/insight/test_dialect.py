"""What an endpoint complains of is left out, one thing at a time, and what it does not complain of stays."""

import json
from dataclasses import replace
from typing import Any

import pytest

from server.insight.chat.dialect import Dialect, Endpoint, closed, endpoint
from server.insight.chat.failure import refused
from server.insight.llm_tips import SCHEMA
from server.insight.providers.options import ProviderOptions

PLAIN = Dialect()
OPTIONS = ProviderOptions("http://x/v1", None, "m", reasoning_effort="low")


def after(message: Any, status: int = 400, dialect: Dialect = PLAIN) -> Dialect | None:
    return dialect.after(refused(status, json.dumps(message)))


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ({"error": {"message": "Unknown parameter: 'stream_options'."}}, {"asks_usage": False}),
        ({"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs"}]}, {"asks_usage": False}),
        ({"error": {"message": "Use 'max_completion_tokens' instead."}}, {"limit": "max_completion_tokens"}),
        ({"error": {"message": "max_tokens is too large: 8000. At most 4096."}}, {"tight": True}),
        ({"error": {"message": "no", "param": "temperature"}}, {"temperature": False}),
        ({"error": {"message": "Unrecognized request argument: reasoning_effort"}}, {"effort": False}),
        ({"message": "System role not supported"}, {"system_role": False}),
        ({"message": "Conversation roles must alternate user/assistant"}, {"system_role": False}),
        ({"error": "'response_format.type' must be 'text'"}, {"mode": "json_object"}),
        ({"error": {"message": "Failed to initialize samplers: std::exception"}}, {"mode": "json_object"}),
        ({"error": {"message": "Streaming is not supported for this model"}}, {"stream": False}),
        ({"error": {"message": "bad"}}, {"mode": "json_object"}),
        ("Bad Request", {"mode": "json_object"}),
        ({"messages": [{"content": "temperature, stream"}]}, {"mode": "json_object"}),
    ],
)
def test_a_complaint_changes_what_it_names_and_nothing_else(message: Any, change: dict[str, Any]) -> None:
    assert after(message) == replace(PLAIN, **change)


@pytest.mark.parametrize(
    ("message", "change"),
    [("jinja2 TemplateError: System role not supported", "system_role"), ("failed to parse grammar", "mode")],
)
def test_a_fault_of_the_servers_own_counts_only_where_it_names_one(message: str, change: str) -> None:
    changed = after({"error": {"message": message}}, 500)
    assert changed is not None
    assert getattr(changed, change) != getattr(PLAIN, change)
    assert after({"error": {"message": "out of memory, temperature too high"}}, 500) is None


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_what_is_not_about_the_request_changes_nothing(status: int) -> None:
    assert after({"error": {"message": "response_format temperature stream"}}, status) is None


@pytest.mark.parametrize(
    "message", ["", "stream_options max_tokens temperature system role schema stream reasoning_effort"]
)
def test_an_endpoint_that_refuses_everything_is_given_up_soon(message: str) -> None:
    tried = [PLAIN]
    while (dialect := after({"error": {"message": message}}, dialect=tried[-1])) is not None:
        assert dialect not in tried
        tried.append(dialect)
    assert len(tried) < 12
    sent = tried[-1].request(OPTIONS, "s", [{"role": "user", "content": "u"}], {"type": "object"})
    assert set(sent) == {"model", "messages"}


def test_a_request_says_what_the_owner_wishes() -> None:
    sent = PLAIN.request(OPTIONS, "s", [{"role": "user", "content": "u"}], SCHEMA)
    assert sent["messages"] == [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert (sent["max_tokens"], sent["temperature"], sent["reasoning_effort"]) == (2000, 0.2, "low")
    assert "reasoning_effort" not in PLAIN.request(ProviderOptions(), "s", [], SCHEMA)


def test_without_a_system_role_its_text_comes_first() -> None:
    turns = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]
    sent = replace(PLAIN, system_role=False).request(OPTIONS, "s", turns, SCHEMA)
    assert sent["messages"] == [{"role": "user", "content": "s\n\nu"}, turns[1]]


def test_the_room_an_endpoint_needs_is_not_forgotten_by_a_request_that_began_before() -> None:
    known = Endpoint()
    known.learn(replace(PLAIN, room=4, tight=True))
    known.learn(PLAIN)
    assert known.dialect == replace(PLAIN, room=4)


def test_each_model_of_an_endpoint_is_learnt_for_itself() -> None:
    endpoint("http://one/v1", "a").learn(replace(PLAIN, mode="text"))
    assert endpoint("http://one/v1", "a").dialect.mode == "text"
    assert endpoint("http://one/v1", "b").dialect == endpoint("http://two/v1", "a").dialect == PLAIN


def test_a_schema_on_the_wire_is_closed_and_requires_everything() -> None:
    schema = {
        "$defs": {"default": {"type": "object", "properties": {"format": {"type": "string", "minLength": 1}}}},
        "type": "object",
        "properties": {
            "pattern": {"type": "string", "pattern": "^a", "default": "a"},
            "some": {"type": "array", "items": {"$ref": "#/$defs/default"}, "minItems": 1},
            "either": {"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 3}]},
        },
        "required": ["some"],
    }
    assert closed(schema) == {
        "$defs": {
            "default": {
                "type": "object",
                "properties": {"format": {"type": "string"}},
                "required": ["format"],
                "additionalProperties": False,
            }
        },
        "type": "object",
        "properties": {
            "pattern": {"type": "string"},
            "some": {"type": "array", "items": {"$ref": "#/$defs/default"}, "minItems": 1},
            "either": {"anyOf": [{"type": "null"}, {"type": "string"}]},
        },
        "required": ["pattern", "some", "either"],
        "additionalProperties": False,
    }
