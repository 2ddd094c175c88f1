"""The notes at hand: those of the consultations that are live, and those last read from the database."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from ..insight.drafting.notebook import Notebook
from ..insight.drafting.notes import Notes
from ..model.errors import NotFound
from ..model.events import Event
from ..model.transcript import Edition
from .report_archive import ReportArchive

REMEMBERED = 4
"""Transcripts whose notes are kept for the next change of their reports."""


@dataclass(frozen=True, slots=True)
class Live:
    """A consultation that is live: its notes so far, and who is told of its report."""

    notebook: Notebook
    publish: Callable[[Event], None]


class NotesAtHand:
    """Reads each transcript once, while it is needed."""

    def __init__(self, archive: ReportArchive) -> None:
        self.live: dict[str, Live] = {}
        self._archive = archive
        self._read: OrderedDict[tuple[str, Edition], Notes] = OrderedDict()

    async def of(self, consultation_id: str, edition: Edition) -> Notes:
        """Return the notes of a transcript.

        Raises:
            NotFound: If there is no final one.
        """
        live = self.live.get(consultation_id)
        if live is not None and edition == "live":
            return live.notebook.notes.copy()
        key = (consultation_id, edition)
        if key not in self._read:
            said = await self._archive.utterances(consultation_id, edition)
            if edition == "final" and not said:
                raise NotFound("There is no final transcript of this consultation, or not yet: use the live one.")
            self._read[key] = await asyncio.to_thread(Notes, said)
        self._read.move_to_end(key)
        while len(self._read) > REMEMBERED:
            self._read.popitem(last=False)
        return self._read[key]

    async def anything_said(self, consultation_id: str) -> bool:
        """Tell whether there is a live transcript."""
        live = self.live.get(consultation_id)
        if live is not None:
            return bool(live.notebook.notes.said)
        return bool(await self._archive.utterances(consultation_id, "live"))

    async def edition(self, consultation_id: str) -> Edition:
        """Return which transcript counts: the final one once there is one of the whole call."""
        if consultation_id in self.live:
            return "live"
        return "final" if await self._archive.second_pass(consultation_id) == "done" else "live"

    def publisher(self, consultation_id: str) -> Callable[[Event], None]:
        """Return who is told of news: the room while it is open, else the activity log alone."""
        live = self.live.get(consultation_id)
        if live is not None:
            return live.publish
        return lambda event: self._archive.record(consultation_id, event)
