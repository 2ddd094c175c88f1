"""How far a consultation's recording is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .consultation import Frozen

RecordingStage = Literal["none", "recording", "finalizing", "ready", "failed"]


class RecordingState(Frozen):
    """What becomes of a recording; `progress` (0 to 1) is how much of it is finalized."""

    state: RecordingStage
    progress: float = Field(default=0.0, ge=0.0, le=1.0)


NOTHING_RECORDED = RecordingState(state="none")
RECORDING = RecordingState(state="recording")
READY = RecordingState(state="ready", progress=1.0)
FAILED = RecordingState(state="failed")
