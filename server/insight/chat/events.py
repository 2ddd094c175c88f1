"""What a chat endpoint sends, cut into JSON objects: server-sent events or one plain body."""

from __future__ import annotations

import json
from typing import Any

from .failure import Failed

MOST_BYTES = 16_000_000
"""Of one response, framing included; longer is not read."""
_MOST_IN_LINE = 2_000_000
_NOT_SSE = (b"{", b"[", b"<")

NO_PROTOCOL = "did not answer as OpenAI's chat completions do: check LLM_BASE_URL"


class EventReader:
    """Takes bytes as they come and gives the JSON objects in them. `done` once the server said so.

    Lenient where servers are: comments keep the connection alive, blank lines between events may lack, `[DONE]` may
    never come, a server that was asked to stream may send one plain object, bytes may be no UTF-8.
    """

    def __init__(self) -> None:
        self.done = False
        self.streamed = False
        self._read = 0
        self._rest = b""
        self._pending = ""

    @property
    def whole(self) -> bool:
        """Whether one plain object is coming instead of a stream."""
        return not self.streamed and bool(self._rest.lstrip())

    def feed(self, data: bytes) -> list[Any]:
        """Take more bytes; return what is complete.

        Raises:
            Failed: If it is no such protocol, or too much of it.
        """
        self._read += len(data)
        self._rest += data
        if self._read > MOST_BYTES or (self.streamed and len(self._rest) > _MOST_IN_LINE):
            raise Failed("answered with more than is read")
        if not self.streamed:
            begin = self._rest.removeprefix(b"\xef\xbb\xbf").lstrip()
            if not begin or begin.startswith(_NOT_SSE):
                return []
            self.streamed = True
        *lines, self._rest = self._rest.split(b"\n")
        return [event for line in lines for event in self._line(line)]

    def end(self) -> list[Any]:
        """Take that no more comes; return what is left.

        Raises:
            Failed: If what is left is no JSON.
        """
        if self.streamed:
            return self._line(self._rest)  # a last line cut short is dropped: the answer lacks its end then
        try:
            return [json.loads(self._rest.decode("utf-8-sig", "replace"))]
        except (ValueError, RecursionError):
            pass
        raise Failed(NO_PROTOCOL)

    def _line(self, line: bytes) -> list[Any]:
        text = line.strip(b"\r").decode("utf-8", "replace")
        field, colon, value = text.partition(":")
        if self.done or (text and (not colon or field not in ("data", "error"))):
            return []
        if value.strip() == "[DONE]":
            self.done = True
            return []
        if not text:
            if self._pending:
                raise Failed(NO_PROTOCOL)
            return []
        self._pending += value
        try:
            event = json.loads(self._pending)
        except (ValueError, RecursionError):
            # An event may have several data lines.
            return []
        self._pending = ""
        # Older llama.cpp servers tell errors in a field of their own.
        return [{"error": event} if field == "error" else event]
