"""Tips from a chat model: what was said goes in as data, and only what it can prove comes out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from ..model.errors import ChatModelUnavailable
from ..model.insight import Audience, Tip, TipKind
from ..model.transcript import Utterance
from . import told
from .citing import Cited, proven, recent
from .llm_answer import LlmAnswer
from .port import ChatModel, Dialogue, Item, OnTip

log = structlog.get_logger()

MAX_TIPS = 3
MAX_TEXT = 400


class _Proposed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["tip", "red_flag", "question", "action", "explanation"]
    subject: str
    urgent: bool
    evidence: list[Cited]
    text: str


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tips: list[_Proposed]


SCHEMA: Mapping[str, Any] = _Answer.model_json_schema()
"""What a model is asked to answer with. Audience isn't in it: that is not the model's to say."""


@dataclass(slots=True)
class LlmTipsCounters:
    """What came back and could not be used."""

    proposed: int = 0
    without_evidence: int = 0
    too_many: int = 0


class LlmTips:
    """A TipGenerator over any ChatModel. Every tip is for the clinician and cites words that were said."""

    def __init__(self, model: ChatModel) -> None:
        self.name = model.name
        self.counters = LlmTipsCounters()
        self._model = model
        self._answers = LlmAnswer(model)

    async def consider(self, dialogue: Dialogue, on_tip: OnTip | None = None) -> Sequence[Tip]:
        """Ask the model about the newest utterances.

        Raises:
            ChatModelUnavailable: If it gives no usable answer in time.
            OverBudget: If asking would cost more than is left.
        """
        if not dialogue.utterances:
            return ()
        said = recent(dialogue.utterances)
        accepted = _Accepted(lambda proposed, model: self._accept(proposed, said, model), on_tip)
        system, user = _system(dialogue), _user(dialogue, said)
        dialogue.call.sending("tips", system, user)
        reply = await self._model.complete(
            system=system, user=user, schema=SCHEMA, on_item=accepted.hear if on_tip is not None else None
        )
        dialogue.call.usage = reply.usage
        try:
            answer = _Answer.model_validate(reply.content)
        except ValidationError:
            answer = None
        if answer is None:
            raise ChatModelUnavailable("The chat model's answer does not have the form it was asked for.")
        self.counters.proposed += len(answer.tips)
        tips = [tip for proposed in answer.tips if (tip := accepted.tip_of(proposed, reply.usage.model))]
        self.counters.too_many += max(0, len(tips) - MAX_TIPS)
        given = [*accepted.told, *(tip for tip in tips if tip not in accepted.told)][:MAX_TIPS]
        dialogue.call.discarded += max(0, len(answer.tips) - len(given))
        return given

    async def answer(self, dialogue: Dialogue, question: str) -> Tip | None:
        """Ask the model what the dialogue says to `question`.

        Raises:
            ChatModelUnavailable: If it gives no usable answer in time.
            OverBudget: If asking would cost more than is left.
        """
        return await self._answers.answer(dialogue, question)

    async def aclose(self) -> None:
        """Close the model's connections and note what was discarded."""
        if self.counters.without_evidence or self.counters.too_many:
            log.info(
                "insight.tips_discarded",
                proposed=self.counters.proposed,
                without_evidence=self.counters.without_evidence,
                too_many=self.counters.too_many,
            )
        await self._model.aclose()

    def _accept(self, proposed: _Proposed, said: Sequence[Utterance], model: str) -> Tip | None:
        """Return the tip if it has text and at least one citation that holds; citations that don't are dropped."""
        evidence = proven(proposed.evidence, said)
        text = " ".join(proposed.text.split())[:MAX_TEXT]
        if not evidence or not text:
            self.counters.without_evidence += 1
            return None
        return Tip(
            id=uuid.uuid4().hex,
            kind=TipKind(proposed.kind),
            audience=Audience.CLINICIAN,
            text=text,
            urgent=proposed.urgent,
            subject=" ".join(proposed.subject.split())[:100],
            evidence=evidence,
            model=model,
        )


class _Accepted:
    """What one answer proposed and what was made of it, so that a tip told early is the tip returned."""

    def __init__(self, accept: Callable[[_Proposed, str], Tip | None], on_tip: OnTip | None) -> None:
        self.told: list[Tip] = []
        self._accept = accept
        self._on_tip = on_tip
        self._tips: dict[str, Tip | None] = {}

    def hear(self, item: Item) -> None:
        """Tell of the tip in a complete item of an answer that is still coming, if it can prove it."""
        try:
            proposed = _Proposed.model_validate(item.value)
        except ValidationError:
            return
        if item.array != "tips" or self._on_tip is None or len(self.told) >= MAX_TIPS:
            return
        tip = self.tip_of(proposed, item.model)
        if tip is not None and tip not in self.told:
            self.told.append(tip)
            self._on_tip(tip)

    def tip_of(self, proposed: _Proposed, model: str) -> Tip | None:
        """Return the tip made of what was proposed; the same for the same proposal."""
        key = proposed.model_dump_json()
        if key not in self._tips:
            self._tips[key] = self._accept(proposed, model)
        return self._tips[key]


def _system(dialogue: Dialogue) -> str:
    kinds = [kind.value for kind in dialogue.agent.suggests if kind is not TipKind.ANSWER]
    if dialogue.agent.to_patient == "nothing":
        kinds = [kind for kind in kinds if kind != TipKind.EXPLANATION.value]
    return told.instructions("tips", dialogue, max_tips=MAX_TIPS, kinds=", ".join(f"`{kind}`" for kind in kinds))


def _user(dialogue: Dialogue, said: Sequence[Utterance]) -> str:
    given = [{"subject": tip.subject, "text": tip.text} for tip in dialogue.given[-told.RECENT_TIPS :]]
    return told.data(dialogue, said, sensitivity=round(dialogue.agent.sensitivity, 2), already_given=given)
