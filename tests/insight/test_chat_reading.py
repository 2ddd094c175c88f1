"""Whatever an endpoint sends, wherever its bytes are cut: one meaning, or one error."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.insight.chat.answer import Answer, behind_thoughts
from server.insight.chat.events import EventReader
from server.insight.chat.failure import Failed, refused, status_of
from server.insight.chat.form import Form
from server.insight.json_schema import DoesNotFit

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
        b"data: {}",
        b"data:[1]",
        b'data: {"a":',
        b"data: 1}",
        b": x",
        b"",
        b"event: m",
        b"data: [DONE]",
        b"\r",
        b"\xff",
        b"{",
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


def events_of(pieces: list[bytes]) -> tuple[list[Any], bool, bool]:
    reader, events, failed = EventReader(), [], False
    try:
        for piece in pieces:
            events += reader.feed(piece)
        events += reader.end()
    except Failed:
        failed = True
    return events, reader.done, failed


@given(st.lists(LINES, max_size=8), st.integers(1, 9))
def test_bytes_mean_the_same_wherever_they_are_cut(lines: list[bytes], size: int) -> None:
    sent = b"\n".join(lines)
    cut = [sent[at : at + size] for at in range(0, len(sent), size)]
    assert events_of(cut)[1:] == events_of([sent])[1:]
    assert not events_of([sent])[2] or len(events_of(cut)[0]) >= len(events_of([sent])[0])
    if not events_of([sent])[2]:
        assert events_of(cut)[0] == events_of([sent])[0]


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
