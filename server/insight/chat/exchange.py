"""One question to a model until it is answered: asked more plainly, again, with more room, or with the fault named."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...model.retry import ATTEMPTS, backoff_s
from ..items import JsonItems
from ..json_schema import DoesNotFit
from ..port import Item, OnItem, Reply, Usage, tell_items
from ..providers.options import ProviderOptions
from .answer import LONGEST_CLOSER, Answer, behind_thoughts
from .dialect import MORE_ROOM, Dialect, Endpoint, Turn
from .failure import Failed
from .form import Form, cleaned
from .wire import Wire

_MOST_QUOTED = 8_000
"""Characters of a faulty answer that are shown to the model when it is asked to mend it."""
_MEND = (
    "That cannot be used: {fault}. Answer again, with one complete JSON object of the form asked for and nothing else."
)


@dataclass(frozen=True, slots=True)
class Means:
    """What an exchange works with."""

    wire: Wire
    options: ProviderOptions
    endpoint: Endpoint
    sleep: Callable[[float], Awaitable[None]]
    now_s: Callable[[], float]


@dataclass(slots=True)
class _Spent:
    """Tokens of everything that was asked."""

    prompt: int = 0
    answer: int = 0
    estimated: bool = False
    first_token_s: float | None = None

    def add(self, answer: Answer, prompt_characters: int, since_start_s: float) -> None:
        if not answer.begun:
            return
        prompt, written, estimated = answer.usage(prompt_characters)
        self.prompt += prompt
        self.answer += written
        self.estimated = self.estimated or estimated
        if self.first_token_s is None and answer.first_token_s is not None:
            self.first_token_s = since_start_s + answer.first_token_s


@dataclass(slots=True)
class Exchange:
    """Holds what one question has come to so far."""

    means: Means
    system: str
    user: str
    schema: Mapping[str, Any]
    on_item: OnItem | None
    dialect: Dialect = field(init=False)
    answer: Answer = field(default_factory=Answer)
    _form: Form = field(init=False)
    _turns: list[Turn] = field(init=False)
    _told: set[str] = field(default_factory=set)
    _spent: _Spent = field(default_factory=_Spent)
    _attempts: int = 0
    _mended: bool = False

    def __post_init__(self) -> None:
        self.dialect = self.means.endpoint.dialect
        self._form = Form(self.schema)
        self._turns = [{"role": "user", "content": self.user}]

    @property
    def spent_tokens(self) -> int:
        """What was spent so far, prompts and answers."""
        return self._spent.prompt + self._spent.answer

    async def run(self, started_s: float) -> Reply:
        """Return an answer that fits.

        Raises:
            Failed: If none can be had. What a passing fault asks us to wait is kept in the endpoint.
        """
        while True:
            answer = self.answer = Answer()
            try:
                await self._ask(answer, started_s)
                content = self._read(answer)
            except Failed as failed:
                wait_s = self._wait_before_next(failed, started_s)
            else:
                if content is not None:
                    self.means.endpoint.learn(self.dialect)
                    return self._reply(content, answer, started_s)
                wait_s = 0.0
            if wait_s:
                await self.means.sleep(wait_s)

    async def _ask(self, answer: Answer, started_s: float) -> None:
        options = self.means.options
        body = self.dialect.request(options, self.system, self._turns, self.schema)
        asked_s = self.means.now_s() - started_s
        try:
            await self.means.wire.ask(body, answer, self._listener(answer))
        finally:
            characters = sum(len(message["content"]) for message in body["messages"])
            self._spent.add(answer, characters, asked_s)

    def _read(self, answer: Answer) -> Mapping[str, Any] | None:
        """Return what the answer holds; None if it is worth asking again, which has been prepared then.

        Raises:
            Failed: If it cannot be used.
        """
        misfit: DoesNotFit
        try:
            return self._form.read(answer.spoken)
        except DoesNotFit as error:
            misfit = error
        if answer.streamed and not answer.ended:
            raise Failed("broke off its answer", again=True)
        if answer.finish == "length":
            self._give_room()
            return None
        if not answer.spoken.strip():
            raise Failed("gave an empty answer", again=True)
        self._have_mended(answer.spoken, misfit)
        return None

    def _give_room(self) -> None:
        if not self.dialect.limits:
            raise Failed("stopped short of the end of its answer: give the model a larger context")
        if self.dialect.room > 1:
            tokens = self.means.options.max_tokens * self.dialect.room
            raise Failed(f"stopped short of the end of its answer ({tokens} tokens): raise LLM_MAX_TOKENS")
        self.dialect = replace(self.dialect, room=MORE_ROOM)

    def _have_mended(self, said: str, misfit: DoesNotFit) -> None:
        if self._mended:
            raise Failed("did not answer with the JSON it was asked for")
        self._mended = True
        # It took the schema and did not hold to it: from now on the prompt says it too.
        self.dialect = replace(self.dialect, schema_told=True)
        fault = "; ".join(misfit.faults) or str(misfit)
        said = cleaned(said[max(0, behind_thoughts(said)) :][:_MOST_QUOTED])
        self._turns += [
            {"role": "assistant", "content": said},
            {"role": "user", "content": _MEND.format(fault=fault)},
        ]

    def _wait_before_next(self, failed: Failed, started_s: float) -> float:
        """Return how long to wait before asking again, having settled how.

        Raises:
            Failed: The same, if asking again is of no use or there is no time for it.
        """
        other = self.dialect.after(failed)
        if other is not None:
            self.dialect = other
            return 0.0
        self._attempts += 1
        now_s, deadline_s = self.means.now_s(), started_s + self.means.options.timeout_s
        wait_s = backoff_s(self._attempts - 1) if failed.wait_s is None else failed.wait_s
        if failed.wait_s is not None and now_s + wait_s >= deadline_s:
            self.means.endpoint.not_before_s = now_s + wait_s
        if not failed.again or self._attempts >= ATTEMPTS or now_s + wait_s >= deadline_s:
            raise failed
        return wait_s

    def _listener(self, answer: Answer) -> Callable[[str], None]:
        """Return what reads the items of one answer as its text comes."""
        reader = JsonItems()
        behind = 0

        def hear(text: str) -> None:
            nonlocal reader, behind
            start = behind_thoughts(answer.text, max(behind, len(answer.text) - len(text) - LONGEST_CLOSER))
            if start > behind:
                reader, behind, text = JsonItems(), start, answer.text[start:]
            elif start < 0 and not behind:
                return
            for array, value in reader.feed(text):
                self._tell(array, value, answer.model)

        return hear if self.on_item is not None else lambda _text: None

    def _tell(self, array: str, value: Any, model: str) -> None:
        try:
            value = self._form.item(array, value)
        except DoesNotFit:
            return
        self._tell_once(Item(array, value, model or self.means.options.model))

    def _tell_once(self, item: Item) -> None:
        key = json.dumps([item.array, item.value], sort_keys=True)
        if self.on_item is not None and key not in self._told:
            self._told.add(key)
            self.on_item(item)

    def _reply(self, content: Mapping[str, Any], answer: Answer, started_s: float) -> Reply:
        model = answer.model or self.means.options.model
        tell_items(content, model, self._tell_once if self.on_item is not None else None)
        spent = self._spent
        latency_s = self.means.now_s() - started_s
        return Reply(content, Usage(model, spent.prompt, spent.answer, latency_s, spent.estimated, spent.first_token_s))
