"""Items are given when they are complete, never before, wherever the text was cut."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.insight.items import JsonItems

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
TRICKY = {"a": [{"s": 'a"b\\'}, "],}", 1.5, None, [[], {}]], "o": {"a": ["not", "mine"]}, "e": [], "z": [-1]}


def cut(text: str, pieces: int) -> list[str]:
    size = max(1, len(text) // pieces)
    return [text[start : start + size] for start in range(0, len(text), size)]


def items_of(pieces: list[str]) -> list[tuple[str, Any]]:
    reader = JsonItems()
    return [item for piece in pieces for item in reader.feed(piece)]


def expected(content: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, item) for name, value in content.items() if isinstance(value, list) for item in value]


@pytest.mark.parametrize("pieces", [1, 7, 1000])
@pytest.mark.parametrize("indent", [None, 2])
def test_every_item_is_found_wherever_the_text_is_cut(pieces: int, indent: int | None) -> None:
    text = json.dumps(TRICKY, indent=indent)
    assert items_of(cut(text, pieces)) == expected(TRICKY)


@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=4), st.integers(1, 40))
def test_any_object_gives_the_items_of_its_arrays(content: dict[str, Any], pieces: int) -> None:
    assert items_of(cut(json.dumps(content), pieces)) == expected(content)


def test_an_item_comes_with_its_last_character() -> None:
    reader = JsonItems()
    assert reader.feed('{"tips": [{"text": "a"') == []
    assert reader.feed("}") == [("tips", {"text": "a"})]
    assert reader.feed(", 12") == []
    assert reader.feed("3, 4]}") == [("tips", 123), ("tips", 4)]


@pytest.mark.parametrize("before", ["```json\n", "Here it is:\n", "\ufeff"])
def test_what_stands_around_the_object_is_skipped(before: str) -> None:
    assert items_of([before, '{"a": [1]}', '\n``` {"a": [2]}']) == [("a", 1)]


@pytest.mark.parametrize(
    "broken", ['{"a": [{"b": }, 2]}', '{"a": [' + "[" * 9000 + "]" * 9000 + ", 1]}", "[1, 2]", "}", ""]
)
def test_what_is_no_object_gives_nothing(broken: str) -> None:
    assert items_of([broken]) == []
