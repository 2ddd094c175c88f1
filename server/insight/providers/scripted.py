"""A chat model that says what it was told to: for tests and demonstrations without a network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ...model.errors import ChatModelUnavailable
from ..port import OnItem, Reply, Usage, tell_items
from .options import ProviderOptions

Content = Mapping[str, Any]
NOTHING: Content = {"tips": []}


class Asked(NamedTuple):
    """One request as it came."""

    system: str
    user: str
    schema: Mapping[str, Any]


Answer = Content | Exception | Callable[[Asked], Awaitable[Content]]
"""A content to reply, an error to raise, or a coroutine function that makes either."""


class ScriptedChatModel:
    """Gives `answers` one after another, then `last` for ever."""

    name = "scripted"

    def __init__(self, answers: Sequence[Answer] = (), last: Answer = NOTHING) -> None:
        self.asked: list[Asked] = []
        self._answers = list(answers)
        self._last = last
        self._closed = False

    async def complete(
        self, *, system: str, user: str, schema: Mapping[str, Any], on_item: OnItem | None = None
    ) -> Reply:
        """Return the next answer, unchecked: what does not fit `schema` is the caller's to notice.

        Raises:
            ChatModelUnavailable: If closed, or if the script says so.
        """
        if self._closed:
            raise ChatModelUnavailable("The scripted chat model is closed.")
        asked = Asked(system, user, schema)
        self.asked.append(asked)
        answer = self._answers.pop(0) if self._answers else self._last
        if isinstance(answer, Exception):
            raise answer
        content = answer if isinstance(answer, Mapping) else await answer(asked)
        tell_items(content, self.name, on_item)
        return Reply(content, Usage(model=self.name, prompt_tokens=0, completion_tokens=0, latency_s=0.0))

    async def aclose(self) -> None:
        """Answer nothing more."""
        self._closed = True


def create(_options: ProviderOptions) -> ScriptedChatModel:
    """Return a chat model that never has anything to say."""
    return ScriptedChatModel()
