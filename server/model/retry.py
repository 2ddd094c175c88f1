"""What a server's refusal means, when to ask it again, and after how long."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

ATTEMPTS = 3
FIRST_WAIT_S = 0.5
_AGAIN = frozenset({408, 409, 425, 429})


def may_ask_again(status: int) -> bool:
    """Tell whether an answer with `status` may be better the next time."""
    return status in _AGAIN or status >= 500


def refusal(status: int, *, key: str, model: str, address: str, too_many: str = "has too many requests (429)") -> str:
    """Return what a server's refusal means and which setting to check; the settings by name."""
    match status:
        case 401 | 403:
            return f"refused the key ({status}): check {key}"
        case 404:
            return f"knows no such model or path (404): check {model} and {address}"
        case 429:
            return too_many
        case _ if status >= 500:
            return f"has a fault of its own ({status})"
        case _:
            return f"did not accept the request ({status}): check {model} and {address}"


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the wait that a server asks for, in seconds; None if it asks for none that makes sense.

    Source: RFC 9110, section 10.2.3: a number of seconds or an HTTP date.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        wait_s = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        wait_s = max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
    return wait_s if 0 <= wait_s < 24 * 3600 else None


def backoff_s(attempt: int) -> float:
    """Return the wait before trying again when the server names none; `attempt` counts from 0."""
    return FIRST_WAIT_S * float(1 << attempt) * random.uniform(0.75, 1.25)
