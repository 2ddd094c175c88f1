"""What a second pass needs of the database, and what comes of asking it: an order for the reader."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..model.consultation import Agent, Consultation
from ..model.entities import Entity
from ..model.errors import Conflict
from ..model.recording_events import RecordingFile
from ..model.transcript import Utterance
from ..recording.manifest import read_manifest
from ..settings import Settings
from ..speech.options import ProviderOptions
from ..speech.second_pass import SecondPassOrder, Track
from .coverage import covers

LEAST_LIMIT_S = 600.0
"""What any attempt may take: loading a large model, or fetching it, takes minutes."""


class Jobs(Protocol):
    """The second passes that wait, in the database."""

    async def waiting(self) -> Sequence[str]:
        """Return the consultations whose recording is to be read again."""

    async def failed(self) -> Sequence[str]:
        """Return those that were given up."""

    async def note_failure(self, consultation_id: str) -> None:
        """An attempt failed."""

    async def give_up(self, consultation_id: str) -> None:
        """Nothing will come of it."""

    async def keep(
        self, consultation_id: str, utterances: Sequence[Utterance], entities: Sequence[Entity], *, partial: bool
    ) -> bool:
        """Keep a final transcript, with what it names, and settle its job; False if nobody waits for it any more."""


class Archive(Protocol):
    """The part of the store that second passes need.

    Reading raises DatabaseUnavailable, and NotFound for what was deleted.
    """

    @property
    def second_passes(self) -> Jobs:
        """The jobs."""

    async def consultation(self, consultation_id: str) -> Consultation:
        """Return one."""

    async def agent(self, agent_id: str) -> Agent:
        """Return what listened."""

    async def recordings(self, consultation_id: str) -> Sequence[RecordingFile]:
        """Return the recording's files."""

    async def utterances(self, consultation_id: str) -> Sequence[Utterance]:
        """Return what was heard live."""

    async def live_consultations(self) -> Sequence[Consultation]:
        """Return those that are live, in other processes too."""


class RecordingGone(Exception):
    """The recording was deleted; nothing is left to read."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is read, who listened, and whether that is a part of the call alone."""

    order: SecondPassOrder
    agent: Agent
    partial: bool


async def work_on(consultation_id: str, archive: Archive, settings: Settings) -> Work:
    """Return what is to be done about one recording.

    Raises:
        NotFound: If the consultation was deleted.
        RecordingGone: If its files were.
        Conflict: If they are not whole.
        DatabaseUnavailable: If the database does not answer.
    """
    consultation = await archive.consultation(consultation_id)
    agent = await archive.agent(consultation.agent_id)
    folder = settings.recordings_dir.absolute() / consultation_id
    tracks = tuple(
        Track(role=file.role, path=folder / file.name, start_s=file.start_s, duration_s=file.duration_s)
        for file in await archive.recordings(consultation_id)
        if file.role is not None and file.format == "wav"
    )
    order = SecondPassOrder(
        provider=settings.speech_provider,
        options=ProviderOptions.for_second_pass(settings),
        tracks=tracks,
        language=None if consultation.language == "auto" else consultation.language,
        sensitivity=agent.sensitivity,
    )
    heard = await archive.utterances(consultation_id)
    limited, partial = await asyncio.to_thread(_checked, order, folder, settings.second_pass_limit, heard)
    return Work(limited, agent, partial)


def _checked(
    order: SecondPassOrder, folder: Path, limit: float, heard: Sequence[Utterance]
) -> tuple[SecondPassOrder, bool]:
    limited = order.model_copy(update={"limit_s": LEAST_LIMIT_S + limit * order.sound_s})
    check_there(limited)
    manifest = read_manifest(folder)
    if manifest is None:
        raise Conflict("The recording is not what was finished: a file is missing, or of another size.")
    return limited, not covers(manifest, heard)


def check_there(order: SecondPassOrder) -> None:
    """Raise RecordingGone if there is nothing to read, or a file is gone."""
    if not all(track.path.exists() for track in order.tracks) or not order.tracks:
        raise RecordingGone
