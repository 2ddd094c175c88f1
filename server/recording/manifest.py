"""What a finalized recording consists of: `manifest.json`, written last."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from ..model.consultation import Frozen, Role
from ..model.recording_events import RecordingFile

MANIFEST_NAME = "manifest.json"


class Interval(Frozen):
    """A stretch of room time, in seconds."""

    start_s: float
    end_s: float


class ParticipantAudio(Frozen):
    """What came from one participant. `gaps` are stretches of half a second or more, while recording, without a packet.

    `packets` are in the files; `lost` ones never arrived, `invalid` ones were no Opus, `dropped` ones would have
    overlapped what stands already (a clock that runs fast, two streams at once), `not_kept` ones the disk did not
    take. `start_s` is the room time of the first sample in the files, None if nothing came.
    """

    role: Role
    start_s: float | None
    connections: int
    packets: int
    lost: int
    duplicates: int
    invalid: int
    dropped: int
    not_kept: int
    gaps: tuple[Interval, ...]


class Manifest(Frozen):
    """A finalized recording. Every file starts at room time 0 and lasts `duration_s`.

    `closed` is False when the server died before the end was noted; the recording then ends with the last packet.
    """

    version: Literal[1] = 1
    consultation_id: str
    opened_at: datetime
    duration_s: float
    closed: bool
    recorded: tuple[Interval, ...]
    participants: tuple[ParticipantAudio, ...]
    files: tuple[RecordingFile, ...]


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a folder whose files are all there, at their size; else None."""
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST_NAME).read_bytes())
        complete = all((folder / file.name).stat().st_size == file.size_bytes for file in manifest.files)
    except (OSError, ValidationError):
        return None
    return manifest if complete else None
