"""What the tests of chat models ask, and how they look at what comes."""

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from server.insight.port import ChatModel
from server.model.errors import ChatModelUnavailable

SCHEMA = {
    "type": "object",
    "properties": {"word": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["word", "count"],
    "additionalProperties": False,
}
GOOD = {"word": "dor", "count": 2}
PROMPT = "PROMPT-THAT-NOBODY-MAY-READ"
KEY = "sk-KEY-THAT-NOBODY-MAY-READ"
Make = Callable[..., ChatModel]


class Waits:
    """Stands in for sleep: notes each wait and takes no time."""

    def __init__(self) -> None:
        self.asked_s: list[float] = []

    async def __call__(self, wait_s: float) -> None:
        self.asked_s.append(wait_s)


async def ask(model: ChatModel) -> Any:
    return await model.complete(system=PROMPT, user=PROMPT, schema=SCHEMA)


async def refusal(model: ChatModel) -> ChatModelUnavailable:
    """Return the error that asking raises, having made sure that it gives nothing away."""
    with pytest.raises(ChatModelUnavailable) as caught:
        await ask(model)
    shown = "".join(traceback.format_exception(caught.value))
    assert PROMPT not in shown
    assert KEY not in shown
    assert caught.value.__context__ is None
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return caught.value
