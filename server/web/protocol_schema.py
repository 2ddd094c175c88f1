"""The JSON Schema of the socket's messages, made from the models; `scripts/schema` writes it to docs/."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from .messages import PROTOCOL_VERSION, client_adapter, server_adapter


def protocol_schema() -> dict[str, Any]:
    """Return the schema: `#/$defs/ClientMessage` is what a browser sends, `#/$defs/ServerMessage` what it gets."""
    references, document = TypeAdapter.json_schemas(
        [("client", "validation", client_adapter), ("server", "serialization", server_adapter)],
        ref_template="#/$defs/{model}",
    )
    definitions = {
        "ClientMessage": references[("client", "validation")],
        "ServerMessage": references[("server", "serialization")],
        **dict(sorted(document["$defs"].items())),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Escuta's socket protocol, version {PROTOCOL_VERSION}",
        "anyOf": [{"$ref": "#/$defs/ClientMessage"}, {"$ref": "#/$defs/ServerMessage"}],
        "$defs": definitions,
    }


def schema_text() -> str:
    """Return the schema as it stands in docs/protocol.schema.json."""
    return json.dumps(protocol_schema(), indent=2, ensure_ascii=False) + "\n"
