"""`doctor` on the chat model: what it can do, what to set when it cannot, and nothing of the key."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from server.commands.checks import chat_model
from server.commands.checks.finding import Finding
from server.insight.chat.probe import SENTENCE
from server.settings import load_settings
from tests.insight.fake_openai import (
    DONE,
    Behaviour,
    FakeOpenAI,
    body,
    chunk,
    cut,
    event,
    fake_openai,
    says,
    silence,
    status,
    streams,
)

KEY = "sk-KEY-THAT-NOBODY-MAY-READ"
WORDS = {"qz_words": [{"qz_word": "The"}, {"qz_word": "sun"}]}
TEXT = json.dumps(WORDS)
USAGE = event({"choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": 20}})
FLUENT = streams(TEXT[:30], TEXT[30:], chunk({}, "stop"), USAGE, DONE)


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with fake_openai() as server:
        server.models = ["small", "other"]
        yield server


async def found(fake: FakeOpenAI, *script: Behaviour, **settings: Any) -> Finding:
    fake.script = list(script)
    finding = await chat_model.check(
        load_settings(**{"llm_base_url": fake.url, "llm_api_key": KEY, "llm_model": "small"} | settings)
    )
    assert KEY not in finding.sentence
    return finding


async def test_an_endpoint_that_can_do_all_is_fine_and_its_speed_told(fake: FakeOpenAI) -> None:
    finding = await found(fake, FLUENT)
    assert finding.outcome == "ok"
    assert "streams, holds to JSON schemas, counts its tokens; first token of 900 tokens" in finding.sentence
    assert "ms a token" in finding.sentence
    assert len(fake.requests) == 2


async def test_nothing_but_a_fixed_sentence_is_sent(fake: FakeOpenAI) -> None:
    await found(fake, FLUENT)
    for request in fake.requests:
        (said,) = [message["content"] for message in request["messages"] if message["role"] == "user"]
        assert said.replace(SENTENCE, "").strip(" 0123456789") == ""


async def test_what_it_lacks_is_named_with_what_to_do(fake: FakeOpenAI) -> None:
    async def plain(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        lacks = "stream" if asked.get("stream") else asked.get("response_format", {}).get("type")
        if lacks in ("stream", "json_schema"):
            return await body(json.dumps({"error": {"message": f"{lacks} is not supported"}}), 400)(request)
        return await says(WORDS)(request)

    finding = await found(fake, plain)
    assert finding.outcome == "warn"
    assert "does not stream, has JSON mode but no schemas" in finding.sentence
    assert "serve it with schemas" in finding.sentence


async def test_a_schema_that_is_taken_and_not_held_to_is_noticed(fake: FakeOpenAI) -> None:
    finding = await found(fake, says({"words": ["The"]}), says(WORDS))
    assert finding.outcome == "warn"
    assert "takes JSON schemas but does not hold to them" in finding.sentence


async def test_a_model_that_is_not_listed_is_a_warning_and_no_list_is_none(fake: FakeOpenAI) -> None:
    finding = await found(fake, FLUENT, llm_model="hidden")
    assert finding.outcome == "warn"
    assert "LLM_MODEL (it lists small, other)" in finding.sentence
    fake.models = None
    assert (await found(fake, FLUENT, llm_model="hidden")).outcome == "ok"


async def test_a_slow_model_is_told_what_time_to_set(fake: FakeOpenAI) -> None:
    finding = await found(fake, FLUENT, llm_timeout_s=1e-6, llm_first_token_s=1e-6)
    assert finding.outcome == "warn"
    assert "set LLM_TIMEOUT_S to 1" in finding.sentence
    assert "LLM_FIRST_TOKEN_S" in finding.sentence


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        (status(401), "LLM_API_KEY"),
        (status(404), "LLM_MODEL"),
        (says("no JSON"), "did not answer with the JSON"),
        (streams("{", cut), "broke off"),
    ],
)
async def test_an_endpoint_that_cannot_be_used_fails_with_the_setting(
    answer: Behaviour, names: str, fake: FakeOpenAI
) -> None:
    finding = await found(fake, answer)
    assert finding.outcome == "fail"
    assert names in finding.sentence


async def test_a_wrong_key_is_noticed_by_the_list_already(fake: FakeOpenAI) -> None:
    fake.models_status = 401
    finding = await found(fake, FLUENT)
    assert (finding.outcome, "LLM_API_KEY" in finding.sentence, fake.requests) == ("fail", True, [])


async def test_an_endpoint_that_never_answers_is_given_up(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_model, "ANSWER_TIMEOUT_S", 0.2)
    finding = await found(fake, streams(silence))
    assert (finding.outcome, "0.2 s" in finding.sentence) == ("fail", True)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"llm_model": ""}, "LLM_MODEL"),
        ({"llm_base_url": f"http://user:{KEY}@127.0.0.1/v1"}, "LLM_API_KEY"),
        ({"llm_api_key": f"{KEY}é"}, "LLM_API_KEY"),
    ],
)
async def test_a_setting_that_cannot_be_used_is_named(settings: dict[str, Any], names: str, fake: FakeOpenAI) -> None:
    finding = await found(fake, FLUENT, **settings)
    assert (finding.outcome, names in finding.sentence, fake.requests) == ("fail", True, [])


async def test_no_endpoint_means_rules_and_a_dead_one_fails(closed_port: int) -> None:
    assert (await chat_model.check(load_settings())).outcome == "ok"
    assert (await chat_model.check(load_settings(llm_base_url="http://x/v1", llm_provider="rules"))).outcome == "ok"
    dead = load_settings(llm_base_url=f"http://127.0.0.1:{closed_port}/v1", llm_model="small")
    assert (await asyncio.wait_for(chat_model.check(dead), 30)).outcome == "fail"
