"""Every endpoint there is a personality of is understood, remembered and heard word by word where it streams."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from server.insight.port import Item, Reply
from server.insight.providers.openai_compatible import OpenAICompatible
from server.insight.providers.options import ProviderOptions
from tests.insight.personalities import ANSWER, PERSONALITIES, Personality

SCHEMA = {
    "$defs": {
        "tip": {
            "type": "object",
            "properties": {"text": {"type": "string", "minLength": 1}, "n": {"type": "integer", "default": 0}},
            "required": ["text"],
        }
    },
    "type": "object",
    "properties": {"tips": {"type": "array", "items": {"$ref": "#/$defs/tip"}}, "note": {"type": "string"}},
    "required": ["tips"],
    "additionalProperties": False,
}


@pytest.fixture(params=PERSONALITIES, ids=lambda kind: kind.__name__)
async def there(request: pytest.FixtureRequest) -> AsyncIterator[Personality]:
    async with request.param().serving() as personality:
        yield personality


@pytest.fixture
async def model(there: Personality) -> AsyncIterator[OpenAICompatible]:
    made = OpenAICompatible(ProviderOptions(there.url, SecretStr("key"), "m", timeout_s=20.0, stall_s=20.0))
    yield made
    await made.aclose()


class Heard(list[Item]):
    """What `on_item` was told; lets the endpoint go on."""

    def __init__(self, there: Personality) -> None:
        self._there = there

    def __call__(self, item: Item) -> None:
        self.append(item)
        self._there.first_item_heard.set()


async def ask(model: OpenAICompatible, there: Personality) -> tuple[Reply, list[Any]]:
    heard = Heard(there)
    reply = await model.complete(system="Diga.", user="{}", schema=SCHEMA, on_item=heard)
    return reply, [item.value for item in heard if item.array == "tips"]


async def test_its_answer_is_understood_item_by_item(model: OpenAICompatible, there: Personality) -> None:
    reply, heard = await ask(model, there)
    assert reply.content == ANSWER
    assert heard == ANSWER["tips"]
    assert len(there.requests) == there.learns_in


async def test_what_it_takes_is_remembered_for_every_consultation(model: OpenAICompatible, there: Personality) -> None:
    await ask(model, there)
    before = len(there.requests)
    another = OpenAICompatible(ProviderOptions(there.url, SecretStr("key"), "m", timeout_s=20.0))
    reply, _ = await ask(another, there)
    await another.aclose()
    assert reply.content == ANSWER
    assert len(there.requests) == before + there.each_time
    assert another.dialect.mode == there.mode


async def test_tokens_are_those_it_tells_or_marked_as_estimated(model: OpenAICompatible, there: Personality) -> None:
    await ask(model, there)
    reply, _ = await ask(model, there)
    assert reply.usage.estimated is not there.counts
    assert reply.usage.prompt_tokens > 0
    assert reply.usage.completion_tokens > 0
    assert reply.usage.first_token_s is not None


async def test_two_questions_at_once_are_both_answered(model: OpenAICompatible, there: Personality) -> None:
    answers = await asyncio.gather(*(ask(model, there) for _ in range(2)))
    assert [reply.content for reply, _ in answers] == [ANSWER] * 2
