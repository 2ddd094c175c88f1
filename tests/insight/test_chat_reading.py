"""Whatever an endpoint sends, wherever its bytes are cut: one meaning, or one error."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from unittest import mock

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.insight.chat.answer import Answer, behind_thoughts
from server.insight.chat.failure import Failed, refused, status_of
from server.insight.chat.form import Form
from server.insight.chat.wire import Wire
from server.insight.json_schema import DoesNotFit
from server.insight.providers.options import ProviderOptions

OPTIONS = ProviderOptions("http://x/v1", None, "m")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from(
    [
        "choices",
        "delta",
        "message",
        "content",
        "error",
        "usage",
        "index",
        "finish_reason",
        "reasoning",
        "refusal",
        "model",
    ]
)
CHUNKS = st.recursive(
    JSON, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
LINES = st.sampled_from(
    [
        b'data: {"choices": [{"delta": {"content": "a\xc3\xa7"}}]}\n',
        b'data:{"choices": [{"delta": {"content": "b"}, "finish_reason": "stop"}]}\r\n\r',
        b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n',
        b'data: {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}\n',
        b'data: {"error": {"code": 503}}\n',
        b"data: {}",
        b"data:[1]",
        b'data: {"choices":',
        b"data: []}",
        b": x",
        b"",
        b"event: m",
        b"retry: 1",
        b"data: [DONE]\n",
        b"\r",
        b"\xff",
        b"\xef\xbb\xbf",
        b"{",
        b'{"choices": [{"message": {"content": "c"}}]}',
    ]
)
TIPS = Form(
    {
        "type": "object",
        "properties": {"tips": {"type": "array", "items": {"type": "integer"}}},
        "required": ["tips"],
        "additionalProperties": False,
    }
)


class Pieces(httpx2.AsyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._pieces:
            yield self._pieces.pop(0)


def heard(pieces: list[bytes], status: int = 200, *, stream: bool = True) -> tuple[str, Answer]:
    """Return why an answer that comes in these pieces is none, if so, and what was read of it."""

    async def answers(_transport: Any, _request: Any) -> httpx2.Response:
        return httpx2.Response(status, stream=Pieces(pieces))

    async def ask() -> str:
        wire = Wire(OPTIONS)
        try:
            await wire.ask({"model": "m", "messages": []} | ({"stream": True} if stream else {}), answer, str)
        except Failed as failed:
            return failed.reason
        finally:
            await wire.aclose()
        return ""

    answer = Answer()
    with mock.patch.object(httpx2.AsyncHTTPTransport, "handle_async_request", answers):
        return asyncio.run(ask()), answer


@given(st.lists(LINES, max_size=8), st.integers(1, 9), st.booleans())
def test_bytes_mean_the_same_wherever_they_are_cut(lines: list[bytes], size: int, stream: bool) -> None:
    sent = b"\n".join(lines)
    failed, answer = heard([sent], stream=stream)
    failed_cut, cut = heard([sent[at : at + size] for at in range(0, len(sent), size)], stream=stream)
    assert (cut.text, cut.ended, failed_cut) == (answer.text, answer.ended, failed)


@given(CHUNKS, st.sampled_from([200, 204, 307, 400, 500]), st.booleans(), st.booleans())
def test_any_json_that_is_sent_is_an_answer_or_one_error(chunk: Any, status: int, event: bool, stream: bool) -> None:
    sent = (b"data: " if event else b"") + json.dumps(chunk).encode() + b"\n\n"
    failed, _ = heard([sent], status, stream=stream)
    assert failed or status < 300


@given(CHUNKS)
def test_any_json_is_an_answer_or_one_error(chunk: Any) -> None:
    answer = Answer()
    with contextlib.suppress(Failed):
        assert isinstance(answer.take(chunk), str)
    assert all(count >= 0 for count in answer.usage(10)[:2])


@given(CHUNKS, st.integers(200, 599))
def test_any_body_of_a_refusal_is_one_sentence_without_it(body: Any, status: int) -> None:
    secret = {"error": {"message": "SECRET", "code": body}, "SECRET": body}
    for one in (body, secret, json.dumps(secret), "SECRET"):
        assert "SECRET" not in refused(status, one).reason
    assert 400 <= status_of(body) < 600


@given(st.text(max_size=60) | st.text(alphabet='{}[]":,tips1<>/hink', max_size=60))
def test_any_text_holds_what_fits_or_does_not_fit(text: str) -> None:
    with contextlib.suppress(DoesNotFit):
        assert all(isinstance(tip, int) for tip in TIPS.read(text)["tips"])


@pytest.mark.parametrize(
    "text",
    [
        '{"tips": [1]}',
        '```json\n{"tips": [1]}\n```',
        'Sure {here}:\n{"tips": [1]}\nAnything else?',
        '<think>{"tips": [2]}</think>{"tips": [1]}',
        'First {"tips": [2]}.</think>\n{"tips": [1]}',
        '{"tips": [1]}{"tips": [2]}',
        '\ufeff{"tips": [1]}',
        '<|channel|>analysis<|message|>{"tips": [2]}<|end|><|channel|>final<|message|>{"tips": [1]}',
    ],
)
def test_the_answer_is_found_among_what_stands_around_it(text: str) -> None:
    assert TIPS.read(text) == {"tips": [1]}


@pytest.mark.parametrize(
    "text", ["", "tips", "[1]", '{"tips": [1]', '{"tips": ["a"]}', '{"tips": [NaN]}', '{"a": {"tips": [1]}}']
)
def test_what_does_not_fit_is_no_answer(text: str) -> None:
    with pytest.raises(DoesNotFit):
        TIPS.read(text)


def test_thoughts_that_have_not_ended_hide_everything() -> None:
    assert behind_thoughts("  <think>hm") == -1
    assert behind_thoughts("{") == 0
    assert behind_thoughts("hm</think>{") == len("hm</think>")
