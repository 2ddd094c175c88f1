"""What figures of captions are made of: turns of a reference, what was heard and when, text that compares."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .port import Final, Gap, Interim, SpeechEvent


@dataclass(frozen=True, slots=True)
class Turn:
    """What the reference says that somebody said, on the file's time line."""

    speaker: str
    start_s: float
    end_s: float
    text: str


@dataclass(slots=True)
class Heard:
    """What came for one channel, each with the time it came at."""

    finals: list[tuple[float, Final]] = field(default_factory=list)
    interims: list[tuple[float, Interim]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def take(self, event: SpeechEvent, now_s: float) -> None:
        """Keep `event`."""
        if isinstance(event, Final):
            self.finals.append((now_s, event))
        elif isinstance(event, Interim):
            self.interims.append((now_s, event))
        elif isinstance(event, Gap):
            self.gaps.append(event)


def normalized(text: str) -> str:
    """Return `text` in lower case, without punctuation."""
    lower = unicodedata.normalize("NFC", text).lower()
    return " ".join(re.sub(r"[^\w\s]", " ", lower).split())


def read_turns(reference: Path) -> list[Turn]:
    """Return the turns of a reference.json."""
    turns = json.loads(reference.read_text())["turns"]
    return [Turn(turn["speaker"], turn["start_s"], turn["end_s"], turn["text"]) for turn in turns]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return median, 95th percentile and greatest of `values`, rounded; empty without values."""
    if not values:
        return {}
    return {
        "p50": round(float(np.percentile(values, 50)), 3),
        "p95": round(float(np.percentile(values, 95)), 3),
        "max": round(max(values), 3),
        "n": len(values),
    }
