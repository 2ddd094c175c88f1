"""Was that said, or did the model make it up? (pure)

No list of phrases: short answers ("Sim", "Não", "dor") look like any other word here. What counts is how much voice
there was, how sure the model is, and whether so many letters fit into so little time.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from .recogniser import Hypothesis

_FASTEST_LETTERS_PER_S = 32.0
_LOOP_COMPRESSION = 2.4


@dataclass(frozen=True, slots=True)
class VoiceEvidence:
    """How much voice an utterance held: seconds of it, and its mean speech probability."""

    voiced_s: float
    mean_probability: float


def is_plausible(hypothesis: Hypothesis, evidence: VoiceEvidence) -> bool:
    """Return whether `hypothesis` may be shown, given the voice that was there."""
    letters = sum(character.isalnum() for character in hypothesis.text)
    if letters == 0 or hypothesis.looped:
        return False
    if letters > 12 + _FASTEST_LETTERS_PER_S * evidence.voiced_s:
        return False
    return hypothesis.average_log_probability >= _least_log_probability(hypothesis, evidence)


def _least_log_probability(hypothesis: Hypothesis, evidence: VoiceEvidence) -> float:
    """Return how sure the model must be: the weaker the voice, the surer."""
    clear = evidence.voiced_s >= 0.3 and evidence.mean_probability >= 0.85
    least = -1.6 if clear and hypothesis.no_speech_probability < 0.45 else -1.3
    if evidence.mean_probability < 0.7:
        least += 0.3
    if evidence.voiced_s < 0.3:
        least += 0.2
    if hypothesis.no_speech_probability > 0.6:
        least += 0.4
    return least


def is_loop(text: str, tokens: Sequence[int]) -> bool:
    """Return whether the model repeats itself: the same tokens over and over at the end, or text that packs too well.

    Source of the compression limit 2.4: Radford et al. 2022 (arXiv 2212.04356), section 4.5.
    """
    if len(text) > 40 and len(text.encode()) / len(zlib.compress(text.encode())) > _LOOP_COMPRESSION:
        return True
    for length in range(1, len(tokens) // 3 + 1):
        tail = tuple(tokens[-length:])
        times = 3 if length > 3 else 5
        if len(tokens) >= times * length and all(
            tuple(tokens[-length * (n + 1) : len(tokens) - length * n]) == tail for n in range(times)
        ):
            return True
    return False
