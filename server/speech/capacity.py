"""How many people's words a model keeps up with, told from how long it reads one utterance."""

from __future__ import annotations

from dataclasses import dataclass

GOAL_S = 1.5
"""Nineteen of twenty finals are to be there so soon after the last word."""

SMALL_COSTS = 3.0
"""What `small` takes, compared with `base`: 2.9 for interims, 3.1 for finals (docs/decisions/0021)."""

_TURN_S = 4.75
"""An utterance and the pause behind it, of somebody who goes on speaking."""
_SILENCE_S = 0.2
"""How long somebody must be silent before the final is read."""
_SHARE = 0.5
"""How much of the model's time finals may take: the rest shows interims, and reads doubtful finals again."""
_MOST = 200


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a model reads some 4 s of speech: as an interim, as a final, and a final among as many as it takes."""

    interim_s: float
    final_s: float
    each_s: float

    def slower(self, times: float) -> Pace:
        """Return the pace of a model that costs so many times as much."""
        return Pace(times * self.interim_s, times * self.final_s, times * self.each_s)


def final_after_s(pace: Pace, speakers: int) -> float:
    """Return how long after the last word nineteen of twenty finals are there while so many people speak at once.

    One's own final waits for the interim that is being read, and for those finals of others that come meanwhile; fitted
    to the scheduler itself in virtual time (tests/speech/test_capacity.py).
    """
    others = (speakers - 1) * (pace.interim_s + pace.each_s) / _TURN_S
    return _SILENCE_S + pace.interim_s + pace.final_s + 2 * others * pace.each_s


def most_speakers(pace: Pace) -> int:
    """Return how many people may speak at once, 0 if captions come late even for one."""
    bearable = 0
    while (
        bearable < _MOST
        and final_after_s(pace, bearable + 1) <= GOAL_S
        and (bearable + 1) * pace.each_s / _TURN_S <= _SHARE
    ):
        bearable += 1
    return bearable


def advice(pace: Pace, *, reads_base: bool) -> str:
    """Return in words what `pace` is good for and, of `base` on this machine, whether `small` would do."""
    speakers = most_speakers(pace)
    if not speakers:
        late = f"finals of a single speaker would come {final_after_s(pace, 1):.2f} s after the last word"
        remedy = "Give speech more cores or a GPU." if reads_base else "Take a smaller model."
        return f"too slow for live captions, because {late} and {GOAL_S} s is the goal. {remedy}"
    said = f"live captions keep up with {_people(speakers)}."
    if not reads_base:
        return said
    small = pace.slower(SMALL_COSTS)
    if most_speakers(small):
        return (
            f"{said} The model small, which hears better, would keep up with {_people(most_speakers(small))}: "
            "SPEECH_MODEL=small fetches it from the hub, or names a folder that holds it."
        )
    return (
        f"{said} The model small would be too slow here: "
        f"{final_after_s(small, 1):.2f} s to the final of a single speaker, {GOAL_S} s is the goal."
    )


def _people(count: int) -> str:
    if count >= _MOST:
        return f"{_MOST} people speaking at once and more"
    return "one person speaking at a time" if count == 1 else f"{count} people speaking at once"
