"""One consultation's way to its report: notes by the rules at once, and by a chat model where there is one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ...model.report import Section
from ...model.transcript import Utterance
from . import extractive
from .notes import Notes
from .templates import Template


@dataclass(frozen=True, slots=True)
class Written:
    """A draft by a chat model, checked."""

    sections: tuple[Section, ...]
    model: str


class Notebook:
    """Hears utterances while a call is live, or all of them afterwards."""

    def __init__(self, notes: Notes | None = None) -> None:
        self.notes = notes or Notes()

    @property
    def writes(self) -> bool:
        """Whether a chat model writes drafts, too."""
        return False

    def take(self, notes: Notes) -> None:
        """Work from these notes of the whole consultation."""
        self.notes = notes

    async def write(self, template: Template) -> Written | None:
        """Return the chat model's draft; None if there is no model, or it gave none that can be used."""
        del template
        return None

    def hear(self, utterance: Utterance) -> None:
        """Take an utterance into the notes; about 2 ms."""
        self.notes.hear(utterance)

    async def extract(self, template: Template) -> tuple[Section, ...]:
        """Return the draft that needs no model, made beside the event loop."""
        return await asyncio.to_thread(extractive.draft, self.notes.copy(), template)
