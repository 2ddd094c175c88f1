"""Captions against a reference: word error rate, latencies, and words where nobody spoke."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jiwer
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


def score(turns: Sequence[Turn], heard: dict[str, Heard]) -> dict[str, Any]:
    """Return word error rates, latencies and words in silence of one dialogue."""
    references: list[str] = []
    hypotheses: list[str] = []
    by_speaker = {}
    to_final, to_interim, invented = [], [], 0
    for speaker, what in heard.items():
        own = [turn for turn in turns if turn.speaker == speaker]
        references.append(normalized(" ".join(turn.text for turn in own)))
        hypotheses.append(normalized(" ".join(final.text for _, final in what.finals)))
        by_speaker[speaker] = round(float(jiwer.wer(references[-1], hypotheses[-1])), 4)
        for turn in own:
            last = [
                at for at, final in what.finals if final.start_s < turn.end_s + 0.3 and final.end_s > turn.end_s - 0.6
            ]
            to_final += [max(last) - turn.end_s] if last else []
            first = [
                at
                for at, interim in what.interims
                if turn.start_s - 0.3 < interim.end_s and interim.start_s < turn.end_s
            ]
            to_interim += [min(first) - turn.start_s] if first else []
        invented += sum(
            1
            for _, final in what.finals
            if final.text
            and not any(final.start_s < turn.end_s + 0.5 and final.end_s > turn.start_s - 0.5 for turn in own)
        )
    return {
        "word_error_rate": round(float(jiwer.wer(references, hypotheses)), 4),
        "by_speaker": by_speaker,
        "turns": len(turns),
        "end_to_final_s": percentiles(to_final),
        "start_to_interim_s": percentiles(to_interim),
        "interims": sum(len(what.interims) for what in heard.values()),
        "finals_in_silence": invented,
        "gaps": sum(len(what.gaps) for what in heard.values()),
    }


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
