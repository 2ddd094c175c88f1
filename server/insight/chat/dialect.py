"""How an endpoint wants to be asked: found out by asking, remembered while the server runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import structlog

from ..providers.options import ProviderOptions
from .failure import Failed

log = structlog.get_logger()

Mode = Literal["json_schema", "json_object", "text"]
_MODES: tuple[Mode, ...] = ("json_schema", "json_object", "text")
Limit = Literal["max_tokens", "max_completion_tokens", "none"]
Turn = Mapping[str, str]
"""One message: its role and content."""
MORE_ROOM = 4
"""Times the tokens that an answer cut short is allowed when asked for again."""
TOLD = "\n\nAnswer with one JSON object and nothing else. It must fit this JSON Schema:\n"
_REJECTS_REQUEST = frozenset({400, 415, 422, 501})
_SIZE = re.compile(r"too (large|long|big)|exceed|max_new_tokens|max_total_tokens|at most|must be <=")
_NAMES_LIMIT = re.compile(r"max_(completion_|new_|total_)?tokens")
_LOCAL_BOUNDS = frozenset({"default", "format", "maxLength", "minLength", "pattern"})
"""Keywords that strict schemas of OpenAI's do not know or grammars of llama.cpp's choke on; an answer is checked
against the whole schema here anyhow."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What goes into a request.

    `schema_told`: the schema stands in the prompt as well. `bare`: nothing but model and messages is sent. `tight`: the
    prompt left too little room for the answer's limit; that holds for one request alone.
    """

    mode: Mode = "json_schema"
    schema_told: bool = False
    stream: bool = True
    asks_usage: bool = True
    limit: Limit = "max_tokens"
    temperature: bool = True
    effort: bool = True
    system_role: bool = True
    room: int = 1
    tight: bool = False
    bare: bool = False

    def request(
        self, options: ProviderOptions, system: str, turns: Sequence[Turn], schema: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the body of a request."""
        if self.mode != "json_schema" or self.schema_told:
            system += TOLD + json.dumps(schema, ensure_ascii=False)
        body: dict[str, Any] = {"model": options.model, "messages": self._messages(system, turns)}
        if self.mode == "json_schema":
            strict = {"name": "answer", "schema": closed(schema), "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": strict}
        elif self.mode == "json_object":
            body["response_format"] = {"type": "json_object"}
        if self.bare:
            return body
        if self.stream:
            body["stream"] = True
            if self.asks_usage:
                body["stream_options"] = {"include_usage": True}
        if self.limits:
            body[self.limit] = options.max_tokens * self.room
        if self.temperature and options.temperature is not None:
            body["temperature"] = options.temperature
        if self.effort and options.reasoning_effort:
            body["reasoning_effort"] = options.reasoning_effort
        return body

    def _messages(self, system: str, turns: Sequence[Turn]) -> list[Turn]:
        if self.system_role:
            return [{"role": "system", "content": system}, *turns]
        first = {"role": "user", "content": f"{system}\n\n{turns[0]['content']}"}
        return [first, *turns[1:]]

    @property
    def limits(self) -> bool:
        """Whether a request says how long the answer may be."""
        return not (self.bare or self.tight or self.limit == "none")

    def after(self, failed: Failed) -> Dialect | None:
        """Return how to ask instead; None if it was not the way of asking that the endpoint refused."""
        rejected = failed.status in _REJECTS_REQUEST
        if failed.too_long:
            return replace(self, tight=True) if self.limits else None
        if not rejected and failed.status < 500:
            return None
        for pattern, step in _STEPS if rejected else _STEPS_OF_FAULTS:
            if pattern.search(failed.complaint) and (other := step(self, failed.complaint)) is not None:
                return other
        return self._plainer() if rejected else None

    def _plainer(self) -> Dialect | None:
        if self.mode != _MODES[-1]:
            return replace(self, mode=_MODES[_MODES.index(self.mode) + 1])
        return None if self.bare else replace(self, bare=True, stream=False)


_Step = Callable[[Dialect, str], Dialect | None]


def _other_limit(dialect: Dialect, complaint: str) -> Dialect | None:
    if not dialect.limits:
        return None
    if _SIZE.search(complaint):
        return replace(dialect, tight=True)
    # OpenAI's reasoning models take `max_completion_tokens` alone, most other servers know `max_tokens` alone.
    return replace(dialect, limit="max_completion_tokens" if dialect.limit == "max_tokens" else "none")


def _no_usage(dialect: Dialect, _complaint: str) -> Dialect | None:
    return replace(dialect, asks_usage=False) if dialect.asks_usage and dialect.stream else None


def _no_temperature(dialect: Dialect, _complaint: str) -> Dialect | None:
    return replace(dialect, temperature=False) if dialect.temperature else None


def _no_effort(dialect: Dialect, _complaint: str) -> Dialect | None:
    return replace(dialect, effort=False) if dialect.effort else None


def _no_system(dialect: Dialect, _complaint: str) -> Dialect | None:
    return replace(dialect, system_role=False) if dialect.system_role else None


def _no_stream(dialect: Dialect, _complaint: str) -> Dialect | None:
    return replace(dialect, stream=False) if dialect.stream else None


def _less_form(dialect: Dialect, _complaint: str) -> Dialect | None:
    return dialect._plainer() if dialect.mode != _MODES[-1] else None


_SYSTEM: tuple[re.Pattern[str], _Step] = (
    # Chat templates without one: Gemma, early Mistral (vLLM #2964); sglang answers 500 for it (sglang #892).
    re.compile(r"system (role|message|prompt)|roles must alternate|only user and assistant|messages\[0\]\.role"),
    _no_system,
)
_FORM: tuple[re.Pattern[str], _Step] = (
    re.compile(r"response_format|json_schema|json_object|json schema|grammar|sampler|guided|structured output"),
    _less_form,
)
_STEPS: tuple[tuple[re.Pattern[str], _Step], ...] = (
    (re.compile(r"stream_options|include_usage"), _no_usage),
    (_NAMES_LIMIT, _other_limit),
    (re.compile(r"reasoning_effort|reasoning effort"), _no_effort),
    (re.compile(r"temperature"), _no_temperature),
    _SYSTEM,
    _FORM,
    (re.compile(r"\bstream"), _no_stream),
)
"""What a complaint names, first match first, and what to leave out then."""
_STEPS_OF_FAULTS = (_SYSTEM, _FORM)


@dataclass(slots=True)
class Endpoint:
    """What is known of one model at one address, for all consultations together."""

    dialect: Dialect = field(default_factory=Dialect)
    not_before_s: float = 0.0

    def learn(self, dialect: Dialect) -> None:
        """Remember a dialect in which an answer came, as far as it holds for other requests too."""
        learnt = replace(dialect, tight=False, room=max(dialect.room, self.dialect.room))
        if learnt != self.dialect:
            self.dialect = learnt
            log.info("insight.endpoint_takes", **asdict(learnt))


_endpoints: dict[tuple[str, str], Endpoint] = {}


def endpoint(base_url: str, model: str) -> Endpoint:
    """Return what is known of `model` at `base_url`; changes to it are remembered."""
    return _endpoints.setdefault((base_url, model), Endpoint())


def closed(schema: Any) -> Any:
    """Return `schema` as strict modes want it: every property required, none besides, no bounds on lengths."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    found: dict[str, Any] = {}
    for name, value in schema.items():
        if name in ("$defs", "properties") and isinstance(value, Mapping):
            found[name] = {key: closed(one) for key, one in value.items()}
        elif name not in _LOCAL_BOUNDS:
            found[name] = closed(value)
    if "properties" in found:
        found |= {"required": list(found["properties"]), "additionalProperties": False}
    return found
