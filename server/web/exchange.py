"""What a handler takes and gives: declared for the OpenAPI document, read from requests, written to responses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from ..model.errors import EscutaError, InvalidRequest
from .limits import BODY_TIMEOUT_S, MAX_BODY_BYTES

Model = TypeVar("Model", bound=BaseModel)
Serve = TypeVar("Serve", bound=Callable[[web.Request], Awaitable[web.StreamResponse]])
SPEAKS = "__speaks__"


@dataclass(frozen=True, slots=True)
class Speaks:
    """What a handler takes (`body`, `query`), gives (`returns`, or other `contents` by media type) and raises."""

    returns: type[BaseModel] | None = None
    status: int = 200
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    contents: tuple[str, ...] = ()
    raises: tuple[type[EscutaError], ...] = ()
    ranged: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


def speaks(speech: Speaks) -> Callable[[Serve], Serve]:
    """Attach `speech` to a handler."""

    def attach(handler: Serve) -> Serve:
        setattr(handler, SPEAKS, speech)
        return handler

    return attach


async def read_body(request: web.Request, model: type[Model]) -> Model:
    """Return the request's JSON body.

    Raises:
        InvalidRequest: If it is not JSON in UTF-8 or has a wrong field; the message names the field.
        HTTPUnsupportedMediaType: If it is not declared as application/json.
        HTTPRequestEntityTooLarge: If it exceeds 64 KiB.
        HTTPRequestTimeout: If it does not arrive in time.
    """
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send the body as JSON, with 'Content-Type: application/json'.")
    body = await read_bounded(request)
    try:
        return model.model_validate_json(body, strict=True)
    except ValidationError as error:
        raise InvalidRequest(explain(error, "body")) from error


async def read_bounded(request: web.Request) -> bytes:
    """Return the request's body.

    Raises:
        InvalidRequest: If its encoding cannot be read.
        HTTPRequestEntityTooLarge: If it exceeds 64 KiB.
        HTTPRequestTimeout: If it does not arrive in time.
    """
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await _read_at_most(request)
    except TimeoutError as error:
        raise web.HTTPRequestTimeout(text="The body did not arrive in time; send it again.") from error
    except web.RequestPayloadError as error:
        raise InvalidRequest("The body's encoding cannot be read; send it plain.") from error


async def _read_at_most(request: web.Request) -> bytes:
    body = bytearray()
    if (request.content_length or 0) <= MAX_BODY_BYTES:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                break
        else:
            return bytes(body)
    raise web.HTTPRequestEntityTooLarge(
        MAX_BODY_BYTES, len(body), text=f"The body has more than {MAX_BODY_BYTES} bytes; send a smaller one."
    )


def read_query(request: web.Request, model: type[Model]) -> Model:
    """Return the request's query.

    Raises:
        InvalidRequest: If a name is unknown or repeated, or a value cannot be used.
    """
    values: dict[str, str] = {}
    for name, value in request.query.items():
        if name in values:
            raise InvalidRequest("The query names one thing twice; name it once.")
        values[name] = value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidRequest(explain(error, "query")) from error


def explain(error: ValidationError, where: str) -> str:
    """Return in one sentence what is wrong, without the value, which may be private."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field_name = ".".join(str(part) for part in first["loc"])[:100]
    return f"The {where} cannot be used: {f'{field_name}: ' if field_name else ''}{first['msg']}."


def json_response(answer: BaseModel, status: int = 200) -> web.Response:
    """Return `answer` as JSON."""
    return web.Response(body=answer.model_dump_json().encode(), status=status, content_type="application/json")
