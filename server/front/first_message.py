"""What can be told of a socket's first message without the right to judge it: the worker verifies the token."""

from __future__ import annotations

import base64
import json
from typing import Any

from ..web.auth import MAX_TOKEN_CHARS
from ..web.messages import MAX_MESSAGE_BYTES


def consultation_in(text: str) -> str | None:
    """Return the consultation that the token of a join message names, None if the message is anything else."""
    if len(text) > MAX_MESSAGE_BYTES:
        return None
    try:
        token = _object(text).get("token")
        if not isinstance(token, str) or len(token) > MAX_TOKEN_CHARS:
            return None
        claims = token.split(".")[1]
        consultation = _object(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))).get("consultation")
    except (ValueError, IndexError, RecursionError):
        return None
    return consultation if isinstance(consultation, str) else None


def _object(text: str | bytes) -> dict[str, Any]:
    found = json.loads(text)
    return found if isinstance(found, dict) else {}
