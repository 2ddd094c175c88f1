"""Asks a chat model for JSON of one form, and once more with the fault where it misses it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ...model.errors import ChatModelDelayed, ChatModelUnavailable
from ..port import ChatModel

Answer = TypeVar("Answer", bound=BaseModel)
LONGEST_SHOWN = 2000
"""Characters of an answer that is shown again to be mended."""


async def ask(
    model: ChatModel, form: type[Answer], system: str, data: Mapping[str, Any], schema: Mapping[str, Any] | None = None
) -> tuple[Answer, str]:
    """Return the model's answer to `data` and the model's name.

    What was said travels as one JSON object: nothing spoken can end the string it stands in.

    Raises:
        ChatModelUnavailable: If it gives no answer in time, or twice one that does not have the form.
    """
    asked = schema or form.model_json_schema()
    fault = ""
    for _ in range(2):
        user = json.dumps({**data, "mend": fault} if fault else data, ensure_ascii=False)
        try:
            reply = await model.complete(system=system, user=user, schema=asked)
        except ChatModelDelayed:
            raise
        except ChatModelUnavailable:
            if fault:
                raise
            fault = "The answer before this one was not JSON of the form asked for. Give it in that form."
            continue
        try:
            return form.model_validate(reply.content), reply.usage.model
        except ValidationError as error:
            fault = _fault(error, reply.content)
    raise ChatModelUnavailable("The chat model's answer does not have the form it was asked for.")


def _fault(error: ValidationError, content: Mapping[str, Any]) -> str:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    shown = json.dumps(content, ensure_ascii=False, default=str)[:LONGEST_SHOWN]
    return f"This answer does not have the form asked for ({where}: {first['msg']}). Give it in that form: {shown}"
