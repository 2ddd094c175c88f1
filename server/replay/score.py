"""How well a consultation was heard: word error rate, invented words, latencies. Pure."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer

from ..model.consultation import Role
from ..model.errors import InvalidRequest
from ..model.events import FinalTranscript, InterimTranscript
from ..model.transcript import Utterance
from ..speech.scoring import normalized

INVENTED_MARGIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What was really said, in seconds of the file."""

    role: Role
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A transcript event and when it came, in room time."""

    came_s: float
    event: InterimTranscript | FinalTranscript


def read_reference(path: Path) -> list[Turn]:
    """Read turns from JSON: `{"turns": [{"speaker", "start_s", "end_s", "text"}]}`.

    Raises:
        InvalidRequest: If the file is not that.
    """
    try:
        turns = json.loads(path.read_text(encoding="utf-8"))["turns"]
        return [
            Turn(Role(turn["speaker"]), float(turn["start_s"]), float(turn["end_s"]), str(turn["text"]))
            for turn in turns
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidRequest(
            f'{path} is not a reference: expected {{"turns": [{{"speaker", "start_s", "end_s", "text"}}]}}.'
        ) from error


def word_error_rate(turns: Sequence[Turn], said: Sequence[Utterance], roles: Iterable[Role]) -> float:
    """Return errors over reference words, over all channels of `roles` together."""
    errors = words = 0
    for role in roles:
        reference = normalized(" ".join(turn.text for turn in turns if turn.role is role))
        if not reference:
            continue
        hypothesis = normalized(" ".join(utterance.text for utterance in said if utterance.role is role))
        counted = jiwer.process_words(reference, hypothesis)
        errors += counted.substitutions + counted.deletions + counted.insertions
        words += len(reference.split())
    return errors / words if words else 0.0


def invented_words(turns: Sequence[Turn], said: Sequence[Utterance], zero_s: dict[Role, float]) -> int:
    """Count words heard where nobody spoke: farther than a second from every turn of their channel."""
    invented = 0
    for utterance in said:
        spoken = [
            (zero_s[turn.role] + turn.start_s, zero_s[turn.role] + turn.end_s)
            for turn in turns
            if turn.role is utterance.role
        ]
        for word in utterance.words:
            if not any(
                start - INVENTED_MARGIN_S <= word.end_s and word.start_s <= end + INVENTED_MARGIN_S
                for start, end in spoken
            ):
                invented += 1
    return invented


def latencies(turns: Sequence[Turn], heard: Sequence[Heard], zero_s: dict[Role, float]) -> dict[str, object]:
    """Return p50/p95 of end of speech to final and of first word to first interim, in seconds.

    With reference turns the true ends and starts count; without, those the server itself saw.
    """
    finals = [one for one in heard if isinstance(one.event, FinalTranscript)]
    interims = [one for one in heard if isinstance(one.event, InterimTranscript) and one.event.text]
    final_s, interim_s = [], []
    if turns:
        for turn in turns:
            start_s, end_s = zero_s[turn.role] + turn.start_s, zero_s[turn.role] + turn.end_s
            ends = [one.came_s - end_s for one in finals if _within(one, turn.role, start_s, end_s)]
            starts = [one.came_s - start_s for one in interims if _within(one, turn.role, start_s, end_s)]
            final_s.extend([max(ends)] if ends else [])
            interim_s.extend([min(starts)] if starts else [])
    else:
        first: dict[str, float] = {}
        for one in interims:
            first.setdefault(_span(one)[0], one.came_s - _span(one)[2])
        interim_s = list(first.values())
        final_s = [one.came_s - _span(one)[3] for one in finals]
    return {"end_of_speech_to_final_s": _quantiles(final_s), "first_word_to_interim_s": _quantiles(interim_s)}


def _within(one: Heard, role: Role, start_s: float, end_s: float) -> bool:
    _, spoke, begins_s, ends_s = _span(one)
    return spoke is role and begins_s < end_s and ends_s > start_s and ends_s <= end_s + INVENTED_MARGIN_S


def _span(one: Heard) -> tuple[str, Role, float, float]:
    if isinstance(one.event, FinalTranscript):
        said = one.event.utterance
        return said.id, said.role, said.start_s, said.end_s
    return one.event.utterance_id, one.event.role, one.event.start_s, one.event.end_s


def _quantiles(values: list[float]) -> dict[str, float | int | None]:
    if not values:
        return {"p50": None, "p95": None, "count": 0}
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {"p50": round(statistics.median(ordered), 3), "p95": round(p95, 3), "count": len(ordered)}
