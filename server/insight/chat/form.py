"""From a model's text to the JSON object that was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..json_schema import DoesNotFit, JsonSchema
from .answer import behind_thoughts

_DECODER = json.JSONDecoder(parse_constant=lambda name: _no_number(name))
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
"""What neither UTF-8 nor PostgreSQL can hold: NUL, and half of a character."""
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class Form:
    """The form that an answer must have, and that each item of its top-level arrays must have."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._whole = JsonSchema(schema)
        arrays = {
            name: one["items"]
            for name, one in schema.get("properties", {}).items()
            if isinstance(one, Mapping) and one.get("type") == "array" and isinstance(one.get("items"), Mapping)
        }
        self._items = {
            name: JsonSchema({"$defs": schema.get("$defs", {})} | dict(items)) for name, items in arrays.items()
        }

    def item(self, array: str, value: Any) -> Any:
        """Return an item of `array`, cleaned.

        Raises:
            DoesNotFit: If it does not fit, or the array is none of the schema's.
        """
        if array not in self._items:
            raise DoesNotFit("there is no such array")
        value = cleaned(value)
        self._items[array].check(value)
        return value

    def read(self, text: str) -> Mapping[str, Any]:
        """Return the object in `text`; thoughts before it, a fence and a preface are let pass.

        Raises:
            DoesNotFit: If there is none, or it has another form.
        """
        misfit: DoesNotFit | None = None
        for candidate in _candidates(text):
            try:
                content: Mapping[str, Any] = cleaned(candidate)
                self._whole.check(content)
            except DoesNotFit as error:
                misfit = misfit or error
            else:
                return content
        raise misfit or DoesNotFit("there is no complete JSON object in it")


def _candidates(text: str) -> Iterator[dict[str, Any]]:
    """Give the JSON objects that may be the answer: what follows the thoughts, the first, the last."""
    starts = [text.find("{", max(0, behind_thoughts(text))), text.find("{"), text.rfind("\n{") + 1]
    for start in dict.fromkeys(start for start in starts if start >= 0):
        try:
            found, _end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def cleaned(value: Any) -> Any:
    """Return `value` without what no database holds; halves of a character that belong together are joined.

    Raises:
        DoesNotFit: If it is nested too deep.
    """
    try:
        return _clean(value)
    except RecursionError:
        pass
    raise DoesNotFit("nested too deep")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        if not _UNWRITABLE.search(value):
            return value
        joined = _PAIR.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), value)
        return _UNWRITABLE.sub("\ufffd", joined)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(one) for name, one in value.items()}
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
