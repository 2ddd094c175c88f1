"""The part of the Compose specification that compose.yaml uses; any other key is a mistake."""

from typing import Any

_TEXTS = {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True}
_DURATION = {"type": "string", "pattern": r"^(\d+(h|m|s|ms))+$"}
_ENVIRONMENT = {
    "type": "object",
    "propertyNames": {"pattern": "^[A-Z][A-Z0-9_]*$"},
    # A bare number or boolean is read differently by different tools: quote it.
    "additionalProperties": {"type": "string"},
}


def _closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


_HEALTHCHECK = _closed(
    {
        "test": {"type": "array", "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}], "items": {"type": "string"}},
        "interval": _DURATION,
        "timeout": _DURATION,
        "start_period": _DURATION,
        "retries": {"type": "integer", "minimum": 1},
    },
    "test",
)

_SERVICE = _closed(
    {
        "build": {"type": "string"},
        "cap_add": _TEXTS,
        "cap_drop": _TEXTS,
        "command": {"type": "array", "items": {"type": "string"}},
        "depends_on": {
            "type": "object",
            "additionalProperties": _closed(
                {"condition": {"enum": ["service_started", "service_healthy", "service_completed_successfully"]}},
                "condition",
            ),
        },
        "env_file": _TEXTS,
        "environment": _ENVIRONMENT,
        "healthcheck": _HEALTHCHECK,
        "image": {"type": "string", "pattern": r"^[a-z0-9./_-]+(:[\w.-]+)?$"},
        "init": {"type": "boolean"},
        "network_mode": {"enum": ["host", "bridge", "none"]},
        "ports": {
            "type": "array",
            "items": {
                "type": "string",
                "pattern": r"^([\d.]+:)?\d+(-\d+)?:\d+(-\d+)?/(tcp|udp)$",
            },
        },
        "read_only": {"type": "boolean"},
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "security_opt": _TEXTS,
        "stop_grace_period": _DURATION,
        "tmpfs": _TEXTS,
        "user": {"type": "string"},
        "volumes": {"type": "array", "items": {"type": "string", "pattern": r"^[\w./-]+:/[\w./-]+(:ro)?$"}},
    },
    "image",
)

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
        "services": {"type": "object", "additionalProperties": _SERVICE, "minProperties": 1},
        "volumes": {"type": "object", "additionalProperties": {"type": ["object", "null"]}},
    },
    "patternProperties": {"^x-": {}},
    "required": ["services"],
    "additionalProperties": False,
}
