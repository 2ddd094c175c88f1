"""Tips from a chat model: what was said goes in as data, and only what it can prove comes out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from ..model.errors import ChatModelUnavailable
from ..model.insight import Audience, Evidence, Tip, TipKind
from ..model.transcript import Utterance
from .findings import spoken_when
from .languages import known_language
from .port import ChatModel, Dialogue, Item, OnTip

log = structlog.get_logger()

PROMPTS = Path(__file__).parent / "prompts"
RECENT_UTTERANCES = 40
RECENT_CHARACTERS = 12_000
RECENT_TIPS = 20
MAX_TIPS = 3
MAX_TEXT = 400


class _Cited(BaseModel):
    model_config = ConfigDict(extra="forbid")

    utterance_id: str
    quote: str


class _Proposed(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: TipKind
    subject: str
    text: str
    urgent: bool
    evidence: list[_Cited]


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

    async def consider(self, dialogue: Dialogue, on_tip: OnTip | None = None) -> Sequence[Tip]:
        """Ask the model about the newest utterances.

        Raises:
            ChatModelUnavailable: If it gives no usable answer in time.
        """
        if not dialogue.utterances:
            return ()
        recent = _recent(dialogue.utterances)
        accepted = _Accepted(lambda proposed, model: self._accept(proposed, recent, model), on_tip)
        reply = await self._model.complete(
            system=_system(dialogue),
            user=_user(dialogue, recent),
            schema=SCHEMA,
            on_item=accepted.hear if on_tip is not None else None,
        )
        try:
            answer = _Answer.model_validate(reply.content)
        except ValidationError:
            answer = None
        if answer is None:
            raise ChatModelUnavailable("The chat model's answer does not have the form it was asked for.")
        self.counters.proposed += len(answer.tips)
        tips = [tip for proposed in answer.tips if (tip := accepted.tip_of(proposed, reply.usage.model))]
        self.counters.too_many += max(0, len(tips) - MAX_TIPS)
        return [*accepted.told, *(tip for tip in tips if tip not in accepted.told)][:MAX_TIPS]

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

    def _accept(self, proposed: _Proposed, recent: Sequence[Utterance], model: str) -> Tip | None:
        """Return the tip if it has text and at least one citation that holds; citations that don't are dropped."""
        said = {utterance.id: utterance for utterance in recent}
        evidence = [cited for one in proposed.evidence if (cited := _cite(one, said)) is not None]
        text = " ".join(proposed.text.split())[:MAX_TEXT]
        if not evidence or not text:
            self.counters.without_evidence += 1
            return None
        return Tip(
            id=uuid.uuid4().hex,
            kind=proposed.kind,
            audience=Audience.CLINICIAN,
            text=text,
            urgent=proposed.urgent,
            subject=" ".join(proposed.subject.split())[:100],
            evidence=tuple(evidence),
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


def _cite(cited: _Cited, said: Mapping[str, Utterance]) -> Evidence | None:
    utterance = said.get(cited.utterance_id)
    quote = cited.quote.strip()
    if utterance is None or not quote:
        return None
    start = utterance.text.find(quote)
    if start < 0:
        return None
    start_s, end_s = spoken_when(utterance, start, start + len(quote))
    return Evidence(utterance_id=utterance.id, quote=quote, start_s=start_s, end_s=end_s)


def _recent(utterances: Sequence[Utterance]) -> Sequence[Utterance]:
    """Return the newest utterances that fit, in order; at least one."""
    left = RECENT_CHARACTERS
    first = len(utterances)
    while first and len(utterances) - first < RECENT_UTTERANCES:
        left -= len(utterances[first - 1].text)
        if left < 0 and first < len(utterances):
            break
        first -= 1
    return utterances[first:]


@cache
def _prompt(language: str) -> str:
    return (PROMPTS / f"tips.{language}.md").read_text("utf-8")


def _language(dialogue: Dialogue) -> str:
    spoken = dialogue.utterances[-1].language if dialogue.language == "auto" else dialogue.language
    return known_language(spoken)


def _system(dialogue: Dialogue) -> str:
    parts = [_prompt(_language(dialogue)).format(max_tips=MAX_TIPS).strip()]
    if dialogue.agent.prompt.strip():
        parts.append(dialogue.agent.prompt.strip())
    return "\n\n".join(parts)


def _user(dialogue: Dialogue, recent: Sequence[Utterance]) -> str:
    """Return everything that was said or given as one JSON object: nothing spoken can end the string it stands in."""
    return json.dumps(
        {
            "sensitivity": round(dialogue.agent.sensitivity, 2),
            "already_given": [{"subject": tip.subject, "text": tip.text} for tip in dialogue.given[-RECENT_TIPS:]],
            "dialogue": [
                {"utterance_id": one.id, "speaker": one.role.value, "text": one.text[:RECENT_CHARACTERS]}
                for one in recent
            ],
        },
        ensure_ascii=False,
    )
