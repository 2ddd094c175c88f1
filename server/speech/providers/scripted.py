"""A provider without a model, for tests and demonstrations: loudness is speech, and the words are a script.

Every utterance reads the script from its beginning, or behind what was said before, one word for each 0.3 s of it, so
the same audio always gives the same words.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...model.transcript import Word
from ..options import ProviderOptions
from ..port import Pcm, SpeechToText
from ..recogniser import Hypothesis, Request
from ..segmenter import WINDOW_SAMPLES
from ..shared import SharedRecogniser

SCRIPT = ("estou", "com", "dor", "no", "peito", "há", "três", "dias", "e", "piora", "quando", "subo", "escada")
WORD_S = 0.3
_LOUD = 0.01


class LoudnessActivity:
    """A window is speech when its root mean square exceeds 0.01."""

    def __init__(self) -> None:
        self._rest: Pcm = np.zeros(0, np.float32)

    def __call__(self, samples: Pcm) -> list[float]:
        """Return 1.0 or 0.0 for each window of 512 that `samples` complete."""
        pending = np.concatenate([self._rest, samples])
        whole = len(pending) // WINDOW_SAMPLES
        self._rest = pending[whole * WINDOW_SAMPLES :]
        loudness = np.sqrt((pending[: whole * WINDOW_SAMPLES].reshape(whole, WINDOW_SAMPLES) ** 2).mean(axis=1))
        return [float(value > _LOUD) for value in loudness]


class ScriptedRecogniser:
    """Reads as many words of the script as the loud part of a request is long."""

    name = "scripted"
    readers = 1

    def load(self) -> None:
        """Nothing to load."""

    def recognise(self, request: Request) -> Hypothesis:
        """Return the script, one word for each 0.3 s between the first and last loud sample."""
        loud = np.flatnonzero(np.abs(request.samples) > _LOUD)
        if not len(loud):
            return Hypothesis("")
        first_s = float(loud[0]) / 16_000
        count = max(1, int((loud[-1] - loud[0]) / 16_000 / WORD_S + 0.5))
        script = SCRIPT[len(request.before.split()) % len(SCRIPT) :] + SCRIPT
        words = tuple(
            Word(text=script[n % len(SCRIPT)], start_s=first_s + n * WORD_S, end_s=first_s + (n + 1) * WORD_S)
            for n in range(count)
        )
        language = request.language or "pt"
        return Hypothesis(" ".join(word.text for word in words), words, language, ((language, 1.0),))

    def unload(self) -> None:
        """Nothing to free."""


def create(options: ProviderOptions) -> SpeechToText:
    """Return the provider; `options` change nothing."""
    del options

    def load_activity() -> Callable[[], LoudnessActivity]:
        return LoudnessActivity

    return SharedRecogniser(ScriptedRecogniser(), load_activity)
