"""Entities from a chat model: what was said goes in as data, and only words that stand there come out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ..model.entities import Assertion, Entity, EntityCategory, Relation
from ..model.errors import ChatModelUnavailable
from ..model.transcript import Utterance
from .entities import relations
from .entities.extract import extract
from .entities.port import Passage
from .entities.rules import BEFORE
from .languages import known_language
from .port import ChatModel
from .smalltalk import says_something
from .text import fold

PROMPTS = Path(__file__).parent / "prompts"
MAX_CHARACTERS = 12_000
MAX_NAME = 100
MOST_A_PASSAGE = 200
AGREED, ALONE = 0.95, 0.7
"""Confidence where the rules read the same, and where they don't."""
_LONGEST_ID = 128


class _Named(BaseModel):
    model_config = ConfigDict(extra="forbid")

    utterance_id: str
    text: str
    category: EntityCategory
    assertion: Assertion
    normal: str
    about: str


class _Settled(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    utterance_id: str
    assertion: Assertion


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    entities: list[_Named]
    settled: list[_Settled]


SCHEMA: Mapping[str, Any] = _Answer.model_json_schema()
"""What a model is asked to answer with."""


class LlmExtractor:
    """An EntityExtractor over any ChatModel. What is not literally in its utterance is discarded and counted."""

    def __init__(self, model: ChatModel, discarded: Counter[str] | None = None) -> None:
        self.name = model.name
        self.discarded: Counter[str] = Counter() if discarded is None else discarded
        """What was named and cannot be used, by reason: no_such_words, no_such_utterance, overlap, not_asked."""
        self._model = model

    async def extract(self, passage: Passage) -> Sequence[Entity]:
        """Ask the model about the wanted utterances, unless they are small talk.

        Raises:
            ChatModelUnavailable: If it gives no usable answer in time.
        """
        wanted = {one.id: one for one in _worth_asking(passage)}
        if not wanted:
            return ()
        reply = await self._model.complete(
            system=_prompt(known_language(passage.utterances[-1].language)),
            user=_user(passage, wanted),
            schema=SCHEMA,
        )
        try:
            answer = _Answer.model_validate(reply.content)
        except ValidationError:
            answer = None
        if answer is None:
            raise ChatModelUnavailable("The chat model's answer does not have the form it was asked for.")
        found = self._placed(answer.entities[:MOST_A_PASSAGE], wanted, passage)
        return [*found, *self._settled(answer.settled, wanted, passage)]

    async def aclose(self) -> None:
        """Close the model's connections."""
        await self._model.aclose()

    def _placed(self, named: Sequence[_Named], wanted: Mapping[str, Utterance], passage: Passage) -> list[Entity]:
        """Return those that stand in their utterance, each at its place, the longest of those that overlap."""
        placed: list[tuple[_Named, int]] = []
        times: Counter[tuple[str, str]] = Counter()
        for one in named:
            if one.utterance_id not in wanted:
                self.discarded["no_such_utterance"] += 1
                continue
            nth = times[one.utterance_id, one.text.strip()]
            times[one.utterance_id, one.text.strip()] += 1
            start = _find(one.text.strip(), wanted[one.utterance_id].text, nth)
            if start is None:
                self.discarded["no_such_words"] += 1
            else:
                placed.append((one, start))
        kept: list[tuple[_Named, Entity]] = []
        for one, start in sorted(placed, key=lambda item: -len(item[0].text.strip())):
            entity = _entity(one, start)
            if any(_overlap(entity, other) for _, other in kept):
                self.discarded["overlap"] += 1
            else:
                kept.append((one, _as_known(entity, wanted[one.utterance_id], passage)))
        kept.sort(key=lambda item: (list(wanted).index(item[1].utterance_id), item[1].start))
        entities = [entity for _, entity in kept]
        return [_related(entity, one.about, [*entities, *passage.asked]) for one, entity in kept]

    def _settled(self, settled: Sequence[_Settled], wanted: Mapping[str, Utterance], passage: Passage) -> list[Entity]:
        asked = {one.id: one for one in passage.asked}
        order = {one.id: i for i, one in enumerate(passage.utterances)}
        answers = []
        for one in settled:
            question, answer = asked.get(one.id), wanted.get(one.utterance_id)
            known = question is not None and answer is not None and one.assertion is not Assertion.ASKED
            if question is None or answer is None or not known or order[question.utterance_id] >= order[answer.id]:
                self.discarded["not_asked"] += 1
            else:
                answers.append(question.model_copy(update={"assertion": one.assertion, "answer_id": answer.id}))
        return answers


def _worth_asking(passage: Passage) -> Iterable[Utterance]:
    said = passage.utterances
    for i, utterance in enumerate(said):
        before = next((one for one in reversed(said[:i]) if one.role is not utterance.role), None)
        if utterance.id in passage.wanted and says_something(utterance, before):
            yield utterance


def _find(words: str, text: str, nth: int) -> int | None:
    """Return where `words` stand in `text` as whole words for the `nth` time (from 0)."""
    start = text.find(words) if words else -1
    while start >= 0:
        end = start + len(words)
        whole = not (text[start - 1 : start].isalnum() and words[0].isalnum()) and not (
            text[end : end + 1].isalnum() and words[-1].isalnum()
        )
        if whole and nth == 0:
            return start
        nth -= whole
        start = text.find(words, start + 1)
    return None


def _entity(one: _Named, start: int) -> Entity:
    words = one.text.strip()
    name = " ".join(one.normal.split())[:MAX_NAME]
    end = start + len(words)
    return Entity(
        id=f"{one.utterance_id}.{start}.{end}.{one.category.value}"[:_LONGEST_ID],
        utterance_id=one.utterance_id,
        category=one.category,
        text=words,
        start=start,
        end=end,
        normal=fold(name),
        name=name,
        assertion=one.assertion,
        confidence=ALONE,
    )


def _as_known(entity: Entity, utterance: Utterance, passage: Passage) -> Entity:
    """Return `entity` with the vocabulary's concept, where the rules read the same kind of thing in its words."""
    i = passage.utterances.index(utterance)
    for rule in extract(utterance, passage.utterances[max(0, i - BEFORE) : i]):
        if rule.utterance_id == utterance.id and rule.category is entity.category and _overlap(rule, entity):
            same = rule.model_dump(include={"normal", "name", "value", "unit"})
            return entity.model_copy(update=same | {"confidence": AGREED, "approximate": rule.approximate})
    return entity


def _related(entity: Entity, about: str, others: Sequence[Entity]) -> Entity:
    says, words = relations.of(entity.category), about.strip()
    if says is None or not words:
        return entity
    kind, categories = says
    targets = [one for one in others if one.text == words and one.id != entity.id and one.category in categories]
    if not targets:
        return entity
    near = min(targets, key=lambda one: (one.utterance_id != entity.utterance_id, abs(one.start - entity.start)))
    return entity.model_copy(update={"relations": (Relation(kind=kind, to=near.id),)})


def _overlap(a: Entity, b: Entity) -> bool:
    return a.utterance_id == b.utterance_id and a.start < b.end and b.start < a.end


@cache
def _prompt(language: str) -> str:
    categories = ", ".join(f"`{one.value}`" for one in EntityCategory)
    text = (PROMPTS / f"entities.{language}.md").read_text("utf-8")
    return text.format(categories=categories).strip()


def _user(passage: Passage, wanted: Mapping[str, Utterance]) -> str:
    """Return everything that was said as one JSON object: nothing spoken can end the string it stands in."""
    return json.dumps(
        {
            "dialogue": [
                {
                    "utterance_id": one.id,
                    "speaker": one.role.value,
                    "read": one.id in wanted,
                    "text": one.text[:MAX_CHARACTERS],
                }
                for one in passage.utterances
            ],
            "asked": [{"id": one.id, "utterance_id": one.utterance_id, "text": one.text} for one in passage.asked],
        },
        ensure_ascii=False,
    )
