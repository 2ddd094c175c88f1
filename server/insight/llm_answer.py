"""An answer from a chat model to what the clinician typed: with evidence, or none."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ..model.errors import ChatModelUnavailable
from ..model.insight import Audience, Tip, TipKind
from . import told
from .citing import Cited, proven, recent
from .port import ChatModel, Dialogue

MAX_TEXT = 800


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    said: bool
    evidence: list[Cited]
    text: str


SCHEMA: Mapping[str, Any] = _Answer.model_json_schema()


class LlmAnswer:
    """Asks one chat model."""

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    async def answer(self, dialogue: Dialogue, question: str) -> Tip | None:
        """Return what the dialogue says to `question`; None if the model says that it says nothing, or proves nothing.

        Raises:
            ChatModelUnavailable: If it gives no usable answer in time.
            OverBudget: If asking would cost more than is left.
        """
        said = recent(dialogue.utterances)
        system, user = told.instructions("answer", dialogue), told.data(dialogue, said, question=question)
        dialogue.call.sending("answer", system, user)
        reply = await self._model.complete(system=system, user=user, schema=SCHEMA)
        dialogue.call.usage = reply.usage
        answer = _read(reply.content)
        if answer is None:
            raise ChatModelUnavailable("The chat model's answer does not have the form it was asked for.")
        evidence = proven(answer.evidence, dialogue.utterances)
        text = " ".join(answer.text.split())[:MAX_TEXT]
        if not answer.said or not evidence or not text:
            dialogue.call.discarded += answer.said
            return None
        return Tip(
            id=uuid.uuid4().hex,
            kind=TipKind.ANSWER,
            audience=Audience.CLINICIAN,
            text=text,
            evidence=evidence,
            model=reply.usage.model,
        )


def _read(content: object) -> _Answer | None:
    try:
        return _Answer.model_validate(content)
    except ValidationError:
        return None
