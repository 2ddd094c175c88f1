"""The complete items of an answer that is still being written."""

from __future__ import annotations

import json
import re
from typing import Any

_MARK = re.compile(r'[{}\[\],:"]')
_IN_STRING = re.compile(r'["\\]')
_OBJECT, _ARRAY = 1, 2
"""Depth inside the answer's object, and inside one of its arrays."""


class JsonItems:
    """Reads one JSON object piece by piece and gives each item of its top-level arrays as soon as it ends.

    Whatever stands before the object is skipped. Text that is no JSON gives no items and is no error: who has the whole
    of it judges that.
    """

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._depth = 0
        self._string_from: int | None = None
        self._string = ""
        self._key = ""
        self._array: str | None = None
        self._item_from: int | None = None
        self._over = False
        self._found: list[tuple[str, Any]] = []

    def feed(self, text: str) -> list[tuple[str, Any]]:
        """Take the next piece; return the items that it completes: their array's name and their value."""
        self._text += text
        self._found = []
        while not self._over:
            mark = (_MARK if self._string_from is None else _IN_STRING).search(self._text, self._at)
            if mark is None:
                self._at = max(self._at, len(self._text))
                break
            self._at = mark.end()
            if self._string_from is not None:
                self._in_string(mark[0])
            elif self._depth or mark[0] == "{":
                self._structure(mark[0], mark.start())
        return self._found

    def _in_string(self, mark: str) -> None:
        if mark == "\\":
            self._at += 1
            return
        self._string = self._text[self._string_from : self._at]
        self._string_from = None

    def _structure(self, mark: str, at: int) -> None:
        match mark:
            case '"':
                self._string_from = at
            case "{" | "[":
                self._open(mark)
            case "}" | "]":
                self._close(at)
            case "," if self._depth == _ARRAY and self._array is not None:
                self._give(at)
                self._item_from = self._at
            case ":" if self._depth == _OBJECT:
                self._key = self._string
            case _:
                pass

    def _open(self, mark: str) -> None:
        self._depth += 1
        if self._depth == _ARRAY and mark == "[":
            self._array = str(self._load(self._key))
            self._item_from = self._at

    def _close(self, at: int) -> None:
        self._depth -= 1
        if self._depth == _ARRAY and self._array is not None:
            self._give(self._at)
        elif self._depth == _OBJECT and self._array is not None:
            self._give(at)
            self._array = None
        self._over = self._over or self._depth == 0

    def _give(self, end: int) -> None:
        if self._array is None or self._item_from is None:
            return
        item = self._text[self._item_from : end].strip()
        self._item_from = None
        if item:
            value = self._load(item)
            if not self._over:
                self._found.append((self._array, value))

    def _load(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            self._over = True
            return None
