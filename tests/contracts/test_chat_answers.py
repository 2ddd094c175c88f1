"""Answers that cannot be used as they are: asked for again, mended once, or refused."""

import asyncio
import json
import os
import ssl
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.certificates import write_certificate
from tests.contracts.chat import GOOD, SCHEMA, Make, Waits, ask, refusal
from tests.insight.fake_openai import (
    DONE,
    END,
    Behaviour,
    FakeOpenAI,
    body,
    chunk,
    completion,
    event,
    fake_openai,
    says,
    streams,
)


def cut_short(text: str) -> Behaviour:
    return streams(text, chunk({}, "length"), DONE)


async def test_an_answer_cut_short_is_asked_for_with_more_room_once(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [cut_short('{"word": "d'), says(GOOD)]
    model = over_network(max_tokens=100)
    assert (await ask(model)).content == GOOD
    assert [asked["max_tokens"] for asked in fake.requests] == [100, 400]
    await ask(model)
    assert fake.requests[-1]["max_tokens"] == 400, "what it needs is remembered"
    fake.script = [cut_short('{"word": "d')]
    assert "LLM_MAX_TOKENS" in str(await refusal(model))
    assert len(fake.requests) == 4


async def test_an_answer_that_is_complete_when_cut_short_counts(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [cut_short(json.dumps(GOOD) + "\n\n\n")]
    assert (await ask(over_network())).content == GOOD


async def test_wrong_json_is_mended_once_with_the_fault_named(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [says({"word": "dor", "count": "two"}), says(GOOD)]
    reply = await ask(over_network())
    assert reply.content == GOOD
    asked = fake.requests[-1]["messages"]
    assert asked[-2] == {"role": "assistant", "content": '{"word": "dor", "count": "two"}'}
    assert "count: Input should be a valid integer" in asked[-1]["content"]
    assert "JSON Schema" in asked[0]["content"]
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (22, 10), "both are paid for"
    fake.script = [says("no"), says("nor this"), says(GOOD)]
    assert (await refusal(over_network())).spent_tokens == 32, "so is what brought nothing"


@pytest.mark.parametrize(
    "answer",
    [
        streams(chunk({"refusal": "I can't help"}), *END),
        streams("{", chunk({}, "content_filter"), DONE),
        body(json.dumps(completion(None, choices=[{"message": {"content": None, "refusal": "No."}}]))),
        body('{"error": {"message": "Filtered", "code": "content_filter"}}', 400),
    ],
)
async def test_a_refusal_is_said_and_not_argued_with(answer: Behaviour, fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [answer, says(GOOD)]
    assert "refused to answer" in str(await refusal(over_network()))
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        body('{"choices": []}'),
        streams(*END),
        streams(),
        streams(event({"error": {"message": "overloaded", "code": 503}})),
        streams('{"wo', event({"error": {"message": "upstream", "code": "502"}}), DONE),
        streams('{"wo', b'error: {"code": 500, "message": "slot"}\n\n'),
        streams('{"wo', chunk({}, "error"), DONE),
        body('{"error": {"message": "no", "code": 429}}'),
    ],
)
async def test_nothing_said_and_errors_in_an_answer_are_asked_again(
    answer: Behaviour, fake: FakeOpenAI, over_network: Make
) -> None:
    fake.script = [answer, answer, says(GOOD)]
    assert (await ask(over_network())).content == GOOD
    assert len(fake.requests) == 3


@pytest.mark.parametrize(
    "message",
    [
        "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens.",
        "request (9020 tokens) exceeds the available context size (4096 tokens), try increasing it",
    ],
)
async def test_a_prompt_too_long_is_said(message: str, fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [body(json.dumps({"error": {"message": message}}), 400)]
    model = over_network()
    assert "too small a context" in str(await refusal(model))
    assert len(fake.requests) == 2, "once more, without a limit to the answer"
    fake.script = [says(GOOD)]
    await ask(model)
    assert "max_tokens" in fake.requests[-1], "the next prompt may be shorter"


async def test_a_connection_that_was_dead_is_no_attempt(fake: FakeOpenAI, over_network: Make) -> None:
    async def hangs_up(request: Any) -> Any:
        request.transport.abort()
        return await says(GOOD)(request)

    waits = Waits()
    fake.script = [hangs_up, says(GOOD)]
    assert (await ask(over_network(sleep=waits))).content == GOOD
    assert waits.asked_s == []


async def test_a_connection_cut_while_it_was_not_used_is_no_attempt(fake: FakeOpenAI, over_network: Make) -> None:
    async def cut_after(request: Any) -> Any:
        response = await says(GOOD)(request)
        await response.prepare(request)
        await response.write_eof()
        request.transport.abort()
        return response

    waits = Waits()
    fake.script = [cut_after, cut_after, says(GOOD)]
    model = over_network(sleep=waits)
    assert [(await ask(model)).content for _ in range(3)] == [GOOD] * 3
    assert waits.asked_s == []


async def test_an_error_told_at_great_length_is_still_one(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [body('{"error": "' + "temperature " * 100_000 + '"}', 404)]
    error = await refusal(over_network())
    assert "LLM_MODEL" in str(error)
    assert len(fake.requests) == 1


async def test_what_is_compressed_unasked_is_not_unpacked(fake: FakeOpenAI, over_network: Make) -> None:
    async def packed(request: Any) -> Any:
        response = await says(GOOD)(request)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    fake.script = [packed]
    assert "compresses" in str(await refusal(over_network()))


async def test_halves_of_a_character_in_a_prompt_do_not_hinder(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [says(GOOD)]
    await over_network().complete(system="a", user="\ud83d", schema=SCHEMA)
    assert fake.requests[0]["messages"][-1]["content"] == "\ufffd"


async def test_a_certificate_nobody_vouches_for_is_refused_once(over_network: Make, tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with fake_openai(context) as fake:
        fake.script = [says(GOOD)]
        assert "certificate" in str(await refusal(over_network(url=fake.url)))
        assert fake.requests == []


ASKS = """
import asyncio, sys
from server.insight.providers.openai_compatible import create
from server.insight.providers.options import ProviderOptions

async def ask():
    model = create(ProviderOptions(sys.argv[1], None, "m"))
    reply = await model.complete(system="", user="", schema={"type": "object"})
    await model.aclose()
    print(reply.content["word"])

asyncio.run(ask())
"""


async def test_a_certificate_that_the_owner_trusts_will_do(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with fake_openai(context) as fake:
        fake.script = [streams(json.dumps(GOOD), *END)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", ASKS, fake.url, env=os.environ | {"SSL_CERT_FILE": str(certificate)}, stdout=PIPE
        )
        printed, _ = await process.communicate()
    assert printed.decode().strip() == "dor"
