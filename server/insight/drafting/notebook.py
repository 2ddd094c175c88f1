"""One consultation's way to its report: notes by the rules at once, and by a chat model where there is one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from ...model.errors import ChatModelUnavailable
from ...model.report import Section
from ...model.transcript import Utterance
from ..port import ChatModel
from . import extractive
from .modelled import ModelNotes
from .notes import Notes
from .templates import Template

log = structlog.get_logger()

REST_S = 30.0
"""Pause after a model that does not answer: what was said waits, and nothing is lost."""


@dataclass(frozen=True, slots=True)
class Written:
    """A draft by a chat model, checked."""

    sections: tuple[Section, ...]
    model: str


class Notebook:
    """Hears utterances while a call is live, or all of them afterwards."""

    def __init__(self, model: ChatModel | None = None) -> None:
        self.notes = Notes()
        self.failures = 0
        self._model = model
        self._by_model = ModelNotes(model) if model is not None else None
        self._wake = asyncio.Event()
        self._over = False

    @property
    def writes(self) -> bool:
        """Whether a chat model writes drafts, too."""
        return self._by_model is not None and not self._over

    def take(self, notes: Notes) -> None:
        """Work from these notes of the whole consultation."""
        self.notes = notes

    def hear(self, utterance: Utterance) -> None:
        """Take an utterance into the notes; about 2 ms."""
        self.notes.hear(utterance)
        self._wake.set()

    async def run(self) -> None:
        """Let the model note what is said, part by part, until cancelled. A model that fails never ends it."""
        if self._by_model is None:
            return
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._by_model.settle(self.notes)
            except ChatModelUnavailable as error:
                self.failures += 1
                log.info("report.part_not_noted", reason=str(error))
                await asyncio.sleep(REST_S)
                self._wake.set()

    async def extract(self, template: Template) -> tuple[Section, ...]:
        """Return the draft that needs no model, made beside the event loop."""
        return await asyncio.to_thread(extractive.draft, self.notes.copy(), template)

    async def write(self, template: Template) -> Written | None:
        """Return the chat model's draft; None if there is no model.

        Raises:
            ChatModelUnavailable: If it gave none that can be used.
        """
        if self._by_model is None:
            return None
        sections, name = await self._by_model.write(self.notes.copy(), template)
        return Written(sections, name) if any(section.statements for section in sections) else None

    async def aclose(self) -> None:
        """Close the model's connections; it writes no more."""
        self._over = True
        if self._model is not None:
            await self._model.aclose()
