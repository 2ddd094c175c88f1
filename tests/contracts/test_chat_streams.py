"""A stream is read as it comes: its items, its end, its silence, and no more of it than is bounded."""

import asyncio
import json
from typing import Any

import pytest

from server.insight.port import ChatModel
from server.model.errors import ChatModelDelayed
from tests.contracts.chat import GOOD, PROMPT, Make, ask, refusal
from tests.insight.fake_openai import (
    DONE,
    END,
    Behaviour,
    FakeOpenAI,
    Part,
    body,
    chunk,
    cut,
    event,
    says,
    silence,
    streams,
)

LIST_SCHEMA = {
    "type": "object",
    "properties": {"words": {"type": "array", "items": {"type": "string", "minLength": 2}}},
    "required": ["words"],
}
WORDS = {"words": ["dor", "tosse"]}


async def words(model: ChatModel) -> tuple[Any, list[Any]]:
    heard: list[Any] = []
    reply = await model.complete(
        system=PROMPT, user=PROMPT, schema=LIST_SCHEMA, on_item=lambda item: heard.append(item.value)
    )
    return reply, heard


async def test_a_whole_answer_tells_its_items_too(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [says(WORDS)]
    reply, heard = await words(over_network())
    assert (reply.content, heard) == (WORDS, WORDS["words"])


async def test_an_item_that_does_not_fit_is_not_told_of(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [streams('{"words": ["a", "dor", 5', "]}", *END), says(WORDS)]
    reply, heard = await words(over_network())
    assert (reply.content, heard) == (WORDS, ["dor", "tosse"])


async def test_items_of_a_broken_answer_are_told_of_once(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [streams('{"words": ["dor", "to', cut), streams('{"words": ["dor", "tosse"]}', *END)]
    _, heard = await words(over_network())
    assert heard == ["dor", "tosse"]
    assert len(fake.requests) == 2


@pytest.mark.parametrize("text", ['{"word": "d', '{"word": "dor", "count": 2'])
async def test_a_stream_that_ends_without_an_end_is_asked_for_again(
    text: str, fake: FakeOpenAI, over_network: Make
) -> None:
    fake.script = [streams(text), streams(text, cut), says(GOOD)]
    assert (await ask(over_network())).content == GOOD
    assert len(fake.requests) == 3


@pytest.mark.parametrize("end", [(), (chunk({}, "stop"),), (DONE,), (chunk({}, "stop"), cut), (DONE, silence)])
async def test_a_complete_answer_counts_however_its_stream_ends(
    end: tuple[Part, ...], fake: FakeOpenAI, over_network: Make
) -> None:
    fake.script = [streams('{"word": "dor",', ' "count": 2}', *end)]
    assert (await ask(over_network(stall_s=0.2))).content == GOOD
    assert len(fake.requests) == 1


async def test_characters_may_be_cut_between_bytes_and_lines_anywhere(fake: FakeOpenAI, over_network: Make) -> None:
    text = json.dumps({"word": "coração 🫀", "count": 2}, ensure_ascii=False)
    choice = {"index": 0, "delta": {"content": text}}
    sent = event(json.dumps({"choices": [choice]}, ensure_ascii=False).encode()) + chunk({}, "stop") + DONE
    fake.script = [streams(*(sent[at : at + 1] for at in range(len(sent))))]
    assert (await ask(over_network())).content["word"] == "coração 🫀"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (rb"d\\u0000r", "d\ufffdr"),
        (rb"\\ud83d\\udc9a", "\U0001f49a"),
        (rb"\\ud83d", "\ufffd"),
        (b"d\xffr", "d\ufffdr"),
    ],
)
async def test_what_no_database_holds_is_replaced(sent: bytes, read: str, fake: FakeOpenAI, over_network: Make) -> None:
    said = rb"{\"count\": 2, \"word\": \"" + sent + rb"\"}"
    fake.script = [streams(event(b'{"choices": [{"delta": {"content": "' + said + b'"}}]}'), chunk({}, "stop"), DONE)]
    assert (await ask(over_network())).content["word"] == read


async def test_halves_of_a_character_in_two_chunks_are_joined(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [streams('{"count": 2, "word": "\ud83d', '\udc9a"}', *END)]
    assert (await ask(over_network())).content["word"] == "\U0001f49a"


@pytest.mark.parametrize(
    "flood",
    [
        streams('{"word": "', *["x" * 10_000] * 30),
        streams(*[chunk({"reasoning_content": "x" * 100_000})] * 30),
        streams(b"data: " + b"x" * 5_000_000),
        streams(*[b": wait\n" * 100_000] * 30),
        streams(*[b": " + b"x" * 1_000_000 + b"\n"] * 30),
        body('{"choices": "' + "x" * 5_000_000 + '"}'),
    ],
)
async def test_more_than_is_read_is_refused(flood: Behaviour, fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [flood]
    assert "more than is read" in str(await refusal(over_network(timeout_s=60)))
    assert len(fake.requests) == 1


async def test_a_slow_first_token_is_delayed_and_not_asked_again(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [streams(b": loading\n\n", chunk({"role": "assistant"}), silence)]
    error = await refusal(over_network(first_token_s=0.6))
    assert isinstance(error, ChatModelDelayed)
    assert "no first word within 0.6 s" in str(error)
    assert len(fake.requests) == 1


async def test_a_stream_that_falls_silent_is_asked_for_again(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [streams('{"wo', silence), says(GOOD)]
    assert (await ask(over_network(first_token_s=9.0, stall_s=0.1))).content == GOOD
    fake.script = [streams('{"wo', silence)]
    assert isinstance(await refusal(over_network(stall_s=0.1)), ChatModelDelayed)


async def test_thoughts_are_signs_of_life_and_comments_are_not(fake: FakeOpenAI, over_network: Make) -> None:
    async def moment(request: Any) -> None:
        await asyncio.sleep(0.1)

    thinking = [part for _ in range(6) for part in (chunk({"reasoning_content": "hm"}), moment)]
    fake.script = [streams(*thinking, json.dumps(GOOD), *END)]
    assert (await ask(over_network(first_token_s=5.0, stall_s=0.5))).content == GOOD
    talking = [part for _ in range(6) for part in (b": hm\n\n", moment)]
    fake.script = [streams("{", *talking, json.dumps(GOOD)[1:], *END)]
    assert "fell silent" in str(await refusal(over_network(stall_s=0.5)))


async def test_what_does_not_stream_has_the_whole_time(fake: FakeOpenAI, over_network: Make) -> None:
    async def late(request: Any) -> Any:
        if (await request.json()).get("stream"):
            return await body('{"error": {"message": "stream is not supported"}}', 400)(request)
        await asyncio.sleep(1.5)
        return await says(GOOD)(request)

    fake.script = [late]
    assert (await ask(over_network(first_token_s=1.0))).content == GOOD
