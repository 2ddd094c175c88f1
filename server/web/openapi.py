"""The OpenAPI 3.1 document, made from the routes and the models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from ..model.errors import EscutaError, Forbidden, InvalidRequest, NotFound, TooFrequent, Unauthorized
from .access import LISTENING_COOKIE
from .exchange import SPEAKS, Speaks
from .paths import PATTERNS
from .resources import Problem
from .routes import Route

REF = "#/components/schemas/{model}"
_MODES: tuple[JsonSchemaMode, ...] = ("validation", "serialization")
_TEXTS = {"text/plain", "text/markdown", "text/vtt", "application/x-subrip"}
_HTTP_REFUSALS = {408: "The body did not arrive in time.", 413: "The body is too large.", 415: "The body is not JSON."}


def openapi_document(routes: Sequence[Route], version: str) -> dict[str, Any]:
    """Return the document that describes `routes`."""
    speeches = [_speech(route) for route in routes]
    models: set[type[BaseModel]] = {Problem}
    models |= {one for speech in speeches for one in (speech.returns, speech.body) if one is not None}
    chosen = [(model, mode) for model in sorted(models, key=lambda one: one.__name__) for mode in _MODES]
    references, definitions = models_json_schema(chosen, ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for route, speech in zip(routes, speeches, strict=True):
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, speech, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Escuta",
            "version": version,
            "description": "Video consultations that are heard, written down and provable. Tokens are JWT (HS256) "
            "signed with API_KEY and API_SECRET; `x-roles` names the roles an operation is open to. A clinician's "
            "or patient's token opens its own consultation alone. The socket is described in docs/protocol.md.",
        },
        "paths": paths,
        "components": {
            "schemas": dict(sorted(definitions.get("$defs", {}).items())),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "listening": {"type": "apiKey", "in": "cookie", "name": LISTENING_COOKIE},
            },
        },
    }


def _speech(route: Route) -> Speaks:
    speech = getattr(route.handler, SPEAKS, None)
    if not isinstance(speech, Speaks):
        raise TypeError(f"{route.method} {route.path} does not say what it speaks.")
    return speech


def _operation(route: Route, speech: Speaks, references: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": getattr(route.handler, "__name__", route.path),
        "summary": route.summary,
        "description": (route.handler.__doc__ or route.summary).strip(),
        "x-roles": sorted(route.access.roles),
        "security": _security(route),
        "responses": _responses(route, speech, references),
    }
    parameters = [*_path_parameters(route.path), *_query_parameters(speech)]
    if parameters:
        operation["parameters"] = parameters
    if speech.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": references[(speech.body, "validation")]}},
        }
    return operation


def _security(route: Route) -> list[dict[str, list[str]]]:
    bearer: list[dict[str, list[str]]] = [{"bearer": []}] if route.access.roles else []
    if route.access.listening:
        bearer.append({"listening": []})
    return [{}, *bearer] if route.access.loopback else bearer


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": PATTERNS[name]}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(speech: Speaks) -> list[dict[str, Any]]:
    if speech.query is None:
        return []
    properties = speech.query.model_json_schema()["properties"]
    return [{"name": name, "in": "query", "schema": _not_null(schema)} for name, schema in properties.items()]


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter that may be left out: there is no null in a query."""
    options = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    return {key: value for key, value in schema.items() if key not in {"anyOf", "default"}} | (
        options[0] if options else {"default": schema["default"]}
    )


def _responses(route: Route, speech: Speaks, references: Any) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if speech.returns is not None:
        content["application/json"] = {"schema": references[(speech.returns, "serialization")]}
    for media_type in speech.contents:
        content[media_type] = {"schema": {"type": "string"}} if media_type in _TEXTS else {}
    responses: dict[str, Any] = {str(speech.status): {"description": route.summary, "content": content}}
    if speech.ranged:
        responses["206"] = {"description": "The part that Range names", "content": content}
        responses["304"] = {"description": "Not changed since the ETag or date given"}
        responses["412"] = {"description": "Changed since the ETag or date given"}
        responses["416"] = {"description": "The range is beyond the file's end"}
    problem = {"application/json": {"schema": references[(Problem, "serialization")]}}
    for status, description in sorted(_refusals(route, speech).items()):
        responses[str(status)] = {"description": description, "content": problem}
    return responses


def _refusals(route: Route, speech: Speaks) -> dict[int, str]:
    kinds: list[type[EscutaError]] = [EscutaError, *speech.raises]
    if route.access.roles:
        kinds += [Unauthorized, Forbidden, TooFrequent]
    if "{" in route.path:
        kinds.append(NotFound)
    if speech.body is not None or speech.query is not None:
        kinds.append(InvalidRequest)
    refusals = {kind.http_status: (kind.__doc__ or "").strip().splitlines()[0] for kind in kinds}
    return refusals | (_HTTP_REFUSALS if speech.body is not None else {})
