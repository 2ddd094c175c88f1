"""What every chat model promises, and what the one over a network promises of a network's faults."""

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from server.insight.port import ChatModel
from server.insight.providers.openai_compatible import create
from server.insight.providers.options import ProviderOptions
from server.insight.providers.scripted import ScriptedChatModel
from server.model.errors import ChatModelDelayed, ChatModelUnavailable, InvalidSettings
from tests.contracts.chat import GOOD, KEY, PROMPT, SCHEMA, Make, Waits, ask, refusal
from tests.insight.fake_openai import (
    FakeOpenAI,
    body,
    completion,
    drops,
    hangs,
    says,
    status,
)


@pytest.fixture(params=["scripted", "openai_compatible"])
def any_model(request: pytest.FixtureRequest, fake: FakeOpenAI, over_network: Make) -> Callable[[str], ChatModel]:
    """Make each kind of model, that will do well or fail."""

    def make(fate: str) -> ChatModel:
        if request.param == "scripted":
            return ScriptedChatModel(last=GOOD if fate == "good" else ChatModelUnavailable("Away for the test."))
        fake.script = [says(GOOD) if fate == "good" else status(400)]
        return over_network()

    return make


async def test_an_answer_is_json_with_its_cost(any_model: Callable[[str], ChatModel]) -> None:
    reply = await ask(any_model("good"))
    assert reply.content == GOOD
    assert reply.usage.model
    assert reply.usage.latency_s >= 0


async def test_failure_is_always_the_one_error_with_one_sentence(any_model: Callable[[str], ChatModel]) -> None:
    await refusal(any_model("bad"))


async def test_it_may_be_closed_twice_and_then_only_refuses(any_model: Callable[[str], ChatModel]) -> None:
    model = any_model("good")
    await model.aclose()
    await model.aclose()
    await refusal(model)


async def test_requests_may_overlap(any_model: Callable[[str], ChatModel]) -> None:
    model = any_model("good")
    replies = await asyncio.gather(*(ask(model) for _ in range(5)))
    assert [reply.content for reply in replies] == [GOOD] * 5


async def test_it_asks_for_the_schema_and_sends_the_key(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [says(GOOD)]
    reply = await ask(over_network())
    assert fake.requests[0]["response_format"]["json_schema"]["schema"] == SCHEMA
    assert fake.requests[0]["model"] == "fake-model"
    assert fake.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (11, 5)


async def test_the_environment_adds_nothing(
    fake: FakeOpenAI, over_network: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "from-the-environment")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: from-the-environment\nX-More: from-the-environment")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    fake.script = [says(GOOD)]
    await ask(over_network())
    assert "from-the-environment" not in str(fake.headers[0])
    assert fake.headers[0]["Authorization"] == f"Bearer {KEY}"


async def test_without_a_key_none_is_sent_and_nothing_about_this_machine_ever(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    fake.script = [says(GOOD)]
    model = create(ProviderOptions(fake.url, None, "m"))
    await ask(model)
    await model.aclose()
    assert {name.lower() for name in fake.headers[0]} <= {
        "host", "connection", "accept", "accept-encoding", "content-type", "content-length", "user-agent",
    }  # fmt: skip
    assert fake.headers[0]["Accept-Encoding"] == "identity"


async def test_slow_is_delayed(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [hangs]
    error = await refusal(over_network(timeout_s=0.05))
    assert isinstance(error, ChatModelDelayed)
    assert "0.05 s" in str(error)


@pytest.mark.parametrize("code", [429, 500, 502, 503, 408])
async def test_a_passing_fault_is_asked_again(code: int, fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [status(code), says(GOOD)]
    assert (await ask(over_network())).content == GOOD
    assert len(fake.requests) == 2


async def test_retry_after_is_waited_for(fake: FakeOpenAI, over_network: Make) -> None:
    waits = Waits()
    fake.script = [status(429, {"Retry-After": "2"}), says(GOOD)]
    await ask(over_network(sleep=waits))
    assert waits.asked_s == [2.0]


async def test_a_longer_retry_after_is_not_waited_for_but_kept(fake: FakeOpenAI, over_network: Make) -> None:
    now_s = 100.0
    model = over_network(timeout_s=10.0, now_s=lambda: now_s)
    fake.script = [status(429, {"Retry-After": "60"}), says(GOOD)]
    assert "429" in str(await refusal(model))
    now_s = 159.0
    assert "wait 1 s more" in str(await refusal(model))
    assert len(fake.requests) == 1
    now_s = 160.5
    assert (await ask(model)).content == GOOD


async def test_faults_that_stay_are_given_up_after_three_requests(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [status(500)]
    assert "500" in str(await refusal(over_network()))
    assert len(fake.requests) == 3


@pytest.mark.parametrize(("code", "names"), [(401, "LLM_API_KEY"), (403, "LLM_API_KEY"), (404, "LLM_MODEL")])
async def test_a_lasting_fault_names_the_setting_and_is_not_repeated(
    code: int, names: str, fake: FakeOpenAI, over_network: Make
) -> None:
    fake.script = [status(code)]
    assert names in str(await refusal(over_network()))
    assert len(fake.requests) == 1


@pytest.mark.parametrize("refused", ["json_schema", "json_object"])
async def test_an_endpoint_without_json_schema_is_asked_more_plainly(
    refused: str, fake: FakeOpenAI, over_network: Make
) -> None:
    async def picky(request: Any) -> Any:
        wanted = (await request.json()).get("response_format", {}).get("type", "text")
        accepts = {"json_schema": {"json_object", "text"}, "json_object": {"text"}}[refused]
        return await (
            says("```json\n" + '{"word": "dor", "count": 2}' + "\n```") if wanted in accepts else status(400)
        )(request)

    fake.script = [picky]
    model = over_network()
    assert (await ask(model)).content == GOOD
    assert '"word"' in fake.requests[-1]["messages"][0]["content"]
    before = len(fake.requests)
    await ask(model)
    assert len(fake.requests) == before + 1, "what the endpoint takes is remembered"


@pytest.mark.parametrize(
    "answer",
    [
        says("not json at all"),
        says("[1, 2]"),
        says('{"word": 1, "count": 2}'),
        says('{"word": "dor"}'),
        says('{"word": "dor", "count": 2, "audience": "patient"}'),
        says('{"word": "dor", "count": "2"}'),
        says("x" * 200_000),
        says('{"a":' * 15_000),
        says("[" * 99_000),
        body("<html>gateway</html>"),
        body("null"),
        body("[]"),
        body('{"choices": []}'),
        body('{"choices": "many"}'),
        body('{"choices": [{"message": null}]}'),
        body('{"choices": [{"message": {"content": 5}}]}'),
        body('{"choices": [null]}'),
        body(""),
    ],
)
async def test_garbage_is_no_answer(
    answer: Callable[..., Awaitable[Any]], fake: FakeOpenAI, over_network: Make
) -> None:
    fake.script = [answer]
    await refusal(over_network())


async def test_odd_costs_do_not_spoil_an_answer(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [body(json.dumps(completion(json.dumps(GOOD), usage=None, model=None)))]
    reply = await ask(over_network())
    assert (reply.usage.model, reply.usage.estimated) == ("fake-model", True)
    assert reply.usage.prompt_tokens == pytest.approx(2 * len(PROMPT) / 3.5, abs=1)
    assert reply.usage.completion_tokens == pytest.approx(len(json.dumps(GOOD)) / 3.5, abs=1)


async def test_nobody_listening_is_said(over_network: Make) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        error = await refusal(over_network(url=f"http://127.0.0.1:{held.getsockname()[1]}/v1"))
    assert "cannot be reached" in str(error)


async def test_a_dropped_connection_is_asked_again(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [drops, says(GOOD)]
    assert (await ask(over_network())).content == GOOD


async def test_a_redirect_is_not_followed(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [status(307, {"Location": fake.url + "/chat/completions"}), says(GOOD)]
    await refusal(over_network())
    assert len(fake.requests) == 1


async def test_a_password_in_the_address_is_not_told(over_network: Make) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        error = await refusal(over_network(url=f"http://user:{KEY}@127.0.0.1:{held.getsockname()[1]}/v1"))
    assert "127.0.0.1" in str(error)


async def test_nothing_of_a_request_is_logged(
    fake: FakeOpenAI, over_network: Make, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    fake.script = [status(500), says(GOOD)]
    with caplog.at_level(logging.INFO):
        await ask(over_network())
    assert PROMPT not in caplog.text + "".join(capfd.readouterr())


async def test_cancelling_a_request_ends_it(fake: FakeOpenAI, over_network: Make) -> None:
    fake.script = [hangs]
    request = asyncio.ensure_future(ask(over_network(timeout_s=60)))
    await fake.asked.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (ProviderOptions(None, None, "m"), "LLM_BASE_URL"),
        (ProviderOptions("ftp://x/v1", None, "m"), "LLM_BASE_URL"),
        (ProviderOptions("http://x/v1", None, ""), "LLM_MODEL"),
        (ProviderOptions("http://[x/v1", None, "m"), "LLM_BASE_URL"),
        (ProviderOptions("http://x:99999/v1", None, "m"), "LLM_BASE_URL"),
        (ProviderOptions("http://x\n/v1", None, "m"), "LLM_BASE_URL"),
        (ProviderOptions("http://user:word@x/v1", None, "m"), "LLM_API_KEY"),
        (ProviderOptions("http://x/v1?key=word", None, "m"), "LLM_API_KEY"),
        (ProviderOptions("http://x/v1", SecretStr("a\nb"), "m"), "LLM_API_KEY"),
    ],
)
def test_a_missing_setting_is_named(options: ProviderOptions, names: str) -> None:
    with pytest.raises(InvalidSettings, match=names):
        create(options)
