"""Why one request gave nothing usable."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ...model.retry import may_ask_again, refusal

_MOST_WORDS = 2_000
_FILTERED = re.compile("content_filter|content management policy")
_TOO_LONG = re.compile(
    r"(context|prompt).{0,20} (length|size|window)|too many tokens|(prompt|input)[^.]{0,20} too long"
)


class Failed(Exception):
    """One request gave nothing usable. `reason` may be shown: it holds nothing of request or answer.

    `complaint` is what the endpoint said against the request, in lower case. It may quote the prompt: it is looked
    through for names of parameters and never shown.
    """

    @property
    def too_long(self) -> bool:
        """Whether prompt and answer together are more than the model's context holds."""
        return self.status in (400, 413, 422) and _TOO_LONG.search(self.complaint) is not None

    def __init__(
        self,
        reason: str,
        *,
        status: int = 0,
        again: bool = False,
        wait_s: float | None = None,
        slow: bool = False,
        complaint: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.again = again
        self.wait_s = wait_s
        self.slow = slow
        self.complaint = complaint


def refused(status: int, body: object, wait_s: float | None = None) -> Failed:
    """Return what an error status or an error in mid-stream means; `body` is the JSON or text that came with it."""
    complaint = _complaint(body)
    if _FILTERED.search(complaint):
        return Failed("refused to answer (its content filter)")
    if 300 <= status < 400:
        # A redirect would carry what was said to a host nobody chose.
        return Failed(f"sends us elsewhere ({status}): set LLM_BASE_URL to where it really is", status=status)
    if status in (400, 413, 422) and _TOO_LONG.search(complaint):
        reason = f"has too small a context for this prompt ({status}): serve the model with a larger one"
        return Failed(reason, status=status, complaint=complaint)
    reason = refusal(
        status,
        key="LLM_API_KEY",
        model="LLM_MODEL",
        address="LLM_BASE_URL",
        too_many="has too many requests (429): it will be asked again later",
    )
    again = may_ask_again(status)
    return Failed(reason, status=status, again=again, wait_s=wait_s if again else None, complaint=complaint)


def status_of(error: object) -> int:
    """Return the status that an error inside an answer amounts to; 500 if it names none."""
    code = error.get("code", error.get("status")) if isinstance(error, Mapping) else None
    if isinstance(code, str) and code.isdigit():
        code = int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600 else 500


def _complaint(body: object) -> str:
    """Return what an error says, whichever way it is wrapped.

    OpenAI {"error": {"message", "param"}}, LM Studio {"error": "…"}, vLLM {"message"}, FastAPI {"detail": [{"loc",
    "msg"}]}; whatever else came is not looked at: it may be the request, given back.
    """
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return str(body)[:_MOST_WORDS].lower()
    words: list[str] = []
    _collect(body, words)
    return " ".join(words)[:_MOST_WORDS].lower()


def _collect(body: Any, words: list[str], depth: int = 0) -> None:
    if isinstance(body, str):
        words.append(body)
    elif isinstance(body, list) and depth < 5:
        for one in body[:20]:
            _collect(one, words, depth + 1)
    elif isinstance(body, dict) and depth < 5:
        for name in ("error", "message", "param", "code", "detail", "msg", "loc", "errors"):
            _collect(body.get(name), words, depth + 1)
