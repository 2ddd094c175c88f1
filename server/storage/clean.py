"""Text that PostgreSQL can hold: it takes neither NUL nor half of a surrogate pair."""

from __future__ import annotations

import json
import re
from typing import Any

from ..model.consultation import Frozen

REPLACEMENT = "\ufffd"
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def clean(value: Any) -> Any:
    """Return `value` (what JSON can say) with every character that cannot be stored replaced by U+FFFD."""
    if isinstance(value, str):
        return UNSTORABLE.sub(REPLACEMENT, value)
    if isinstance(value, dict):
        return {clean(key): clean(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [clean(entry) for entry in value]
    return value


def clean_fields(model: Frozen) -> dict[str, Any]:
    """Return the fields of `model` as Python values, fit to be stored."""
    return {name: clean(value) for name, value in model.model_dump().items()}


def clean_json(value: Any) -> bytes:
    """Return `value` as JSON that PostgreSQL can hold."""
    return json.dumps(clean(value), ensure_ascii=False, separators=(",", ":")).encode()
