"""A draft by a chat model: notes that settle part by part while people talk, then the report from the notes alone.

However long a consultation is, no request holds more than `CONTEXT` characters of it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import structlog
from pydantic import BaseModel, ConfigDict, Field

from ...model.insight import Evidence
from ...model.report import Origin, Section, Statement
from ...model.transcript import Utterance
from ..port import ChatModel
from . import quoting
from .asking import ask
from .check import Checker
from .notes import Notes
from .templates import Template

log = structlog.get_logger()

PART = 4_000
"""Characters of speech that settle together."""
CONTEXT = 9_000
"""Characters of notes in one request: some 3,000 tokens, which the smallest contexts hold beside the prompt."""
OVERLAP = 2
"""Utterances before a part that are shown with it: an answer needs its question."""
MOST_NOTES = 20
MOST_STATEMENTS = 200
PROMPTS = Path(__file__).parents[1] / "prompts"

Topic = Literal[
    "complaint", "symptoms", "history", "medicines", "allergies", "family", "habits", "findings", "assessment", "plan"
]
_TO_PATIENT = {
    "pt": "O relatório é para o paciente: palavras simples, tratando-o por você.\n",
    "en": "The report is for the patient: plain words, addressed to them.\n",
}


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Cited(_Form):
    utterance_id: str
    quote: str


class _Noted(_Form):
    about: Topic
    text: Annotated[str, Field(min_length=1, max_length=400)]
    evidence: list[_Cited]


class _Part(_Form):
    notes: Annotated[list[_Noted], Field(max_length=2 * MOST_NOTES)]


class _Sentence(_Form):
    section: str
    text: Annotated[str, Field(min_length=1, max_length=1000)]
    notes: list[str]


class _Whole(_Form):
    statements: Annotated[list[_Sentence], Field(max_length=MOST_STATEMENTS)]


@dataclass(frozen=True, slots=True)
class ModelNote:
    """One sentence a model noted, with the words that were said for it."""

    id: str
    about: Topic
    text: str
    evidence: tuple[Evidence, ...]


@dataclass(slots=True)
class Counters:
    """What a model was asked, and what of its answers could not be used."""

    parts: int = 0
    notes: int = 0
    unproved_notes: int = 0


class ModelNotes:
    """What a chat model has noted of one consultation."""

    def __init__(self, model: ChatModel) -> None:
        self.counters = Counters()
        self.noted: list[ModelNote] = []
        self._model = model
        self._settled: set[str] = set()
        self._turn = asyncio.Lock()

    def is_due(self, notes: Notes) -> bool:
        """Tell whether so much was said since the last part that the next one can settle."""
        return sum(len(one.text) for one in self._waiting(notes)) >= PART

    async def settle(self, notes: Notes, *, everything: bool = False) -> None:
        """Note what was said since the last part, a part at a time; what is too little for one only if `everything`.

        Raises:
            ChatModelUnavailable: If the model does not note a part; it waits for the next call.
        """
        async with self._turn:
            while (everything and self._waiting(notes)) or self.is_due(notes):
                await self._settle_part(notes)

    async def write(self, notes: Notes, template: Template) -> tuple[tuple[Section, ...], str]:
        """Return the report's sections, every statement checked, and the model's name.

        Raises:
            ChatModelUnavailable: If the model does not answer in the form asked for, in time.
        """
        await self.settle(notes, everything=True)
        told: list[Statement] = []
        sections: list[str] = []
        name = self._model.name
        checker = Checker(notes, template.language)
        for batch in _batches(self.noted):
            schema, data = _asked(template, batch)
            system = _prompt("report", template.language, audience=_audience(template))
            whole, name = await ask(self._model, _Whole, system, data, schema)
            by_id = {note.id: note for note in batch}
            for sentence in whole.statements:
                told.append(_statement(sentence, by_id))
                sections.append(sentence.section)
        checked = await asyncio.to_thread(lambda: [checker.check(one) for one in told])
        of = list(zip(sections, checked, strict=True))
        return tuple(
            Section(
                id=one.id,
                title=one.title,
                code=one.code,
                statements=tuple(statement for section, statement in of if section == one.id),
            )
            for one in template.section
        ), name

    def _waiting(self, notes: Notes) -> list[Utterance]:
        return [one for one in notes.said if one.id not in self._settled]

    async def _settle_part(self, notes: Notes) -> None:
        part = _first(self._waiting(notes))
        said = list(notes.said)
        at = said.index(part[0])
        shown = [*said[max(0, at - OVERLAP) : at], *part]
        system = _prompt("notes", notes.language, most=str(MOST_NOTES), topics=", ".join(get_args(Topic)))
        answer, _ = await ask(self._model, _Part, system, {"dialogue": [_shown(one) for one in shown]})
        self.counters.parts += 1
        self._settled.update(one.id for one in part)
        by_id = {one.id: one for one in shown}
        for noted in answer.notes[:MOST_NOTES]:
            proof = tuple(_proved(noted.evidence, by_id))
            if not proof:
                self.counters.unproved_notes += 1
                continue
            self.counters.notes += 1
            self.noted.append(ModelNote(f"n{len(self.noted) + 1}", noted.about, " ".join(noted.text.split()), proof))


def _first(waiting: Sequence[Utterance]) -> list[Utterance]:
    part: list[Utterance] = []
    for one in waiting:
        part.append(one)
        if sum(len(said.text) for said in part) >= PART:
            break
    return part


def _shown(one: Utterance) -> dict[str, str]:
    return {"utterance_id": one.id, "speaker": one.role.value, "text": one.text[:PART]}


def _proved(cited: Sequence[_Cited], said: Mapping[str, Utterance]) -> Iterator[Evidence]:
    """Yield the citations that hold: a quote that was not said, or not there, is dropped."""
    for one in cited:
        utterance, quote = said.get(one.utterance_id), one.quote.strip()
        start = utterance.text.find(quote) if utterance is not None and quote else -1
        if utterance is not None and start >= 0:
            yield quoting.cite(utterance, start, start + len(quote))


def _batches(noted: Sequence[ModelNote]) -> Iterator[list[ModelNote]]:
    """Yield the notes in requests that fit, those of one subject together."""
    order = get_args(Topic)
    batch: list[ModelNote] = []
    for note in sorted(noted, key=lambda note: order.index(note.about)):
        if batch and sum(len(one.text) for one in batch) + len(note.text) > CONTEXT:
            yield batch
            batch = []
        batch.append(note)
    if batch:
        yield batch


def _asked(template: Template, batch: Sequence[ModelNote]) -> tuple[dict[str, Any], dict[str, Any]]:
    schema = _Whole.model_json_schema()
    # Only these sections and these notes can be named at all.
    properties = schema["$defs"]["_Sentence"]["properties"]
    properties["section"] = {"type": "string", "enum": [one.id for one in template.section]}
    data = {
        "sections": [{"id": one.id, "title": one.title, "about": one.about} for one in template.section],
        "notes": [{"id": note.id, "about": note.about, "text": note.text} for note in batch],
    }
    return schema, data


def _statement(sentence: _Sentence, notes: Mapping[str, ModelNote]) -> Statement:
    proof = {
        (one.utterance_id, one.quote): one for name in sentence.notes if name in notes for one in notes[name].evidence
    }
    return Statement(
        id=uuid.uuid4().hex[:16],
        text=" ".join(sentence.text.split()) or "–",
        evidence=tuple(sorted(proof.values(), key=lambda one: one.start_s)),
        origin=Origin.MODEL,
    )


def _audience(template: Template) -> str:
    return _TO_PATIENT[template.language] if template.audience == "patient" else ""


@cache
def _prompt_text(name: str, language: str) -> str:
    return (PROMPTS / f"{name}.{language}.md").read_text("utf-8")


def _prompt(name: str, language: str, **values: str) -> str:
    return _prompt_text(name, language).format(**values).strip()
