"""What a room states about its recording; they are events like the others in `events.py`."""

from __future__ import annotations

from typing import Literal

from .consultation import Frozen, Role


class RecordingStarted(Frozen):
    """From now on both voices are kept."""

    type: Literal["recording_started"] = "recording_started"
    at_s: float


class RecordingStopped(Frozen):
    """From now on nothing is kept."""

    type: Literal["recording_stopped"] = "recording_stopped"
    at_s: float
    reason: Literal["consultation_ended", "consent_withdrawn", "disk_full", "failed"]


class RecordingRefused(Frozen):
    """Recording could not start; `message` says why in one sentence."""

    type: Literal["recording_refused"] = "recording_refused"
    at_s: float
    reason: Literal["disk_full", "failed"]
    message: str


class DiskLow(Frozen):
    """Little disk space is left while recording."""

    type: Literal["disk_low"] = "disk_low"
    at_s: float
    free_mb: int


class RecordingFile(Frozen):
    """One finalized file; `start_s` is the room time of its first sample, `role` whose voice it holds (None: both)."""

    name: str
    role: Role | None
    format: Literal["ogg", "wav"]
    start_s: float
    duration_s: float
    size_bytes: int
    sha256: str


class RecordingFinalized(Frozen):
    """The recording's files are complete on disk."""

    type: Literal["recording_finalized"] = "recording_finalized"
    at_s: float
    files: tuple[RecordingFile, ...]
