"""Which language a participant speaks: told, or detected once and then fixed (pure)."""

from __future__ import annotations

from collections import defaultdict

from .recogniser import Hypothesis

_ENOUGH_S = 2.0
_AT_MOST_S = 8.0
_SURE = 0.6


class LanguageChoice:
    """Keeps a told language; without one, adds up what the model detects, weighted by seconds of voice.

    Fixed once two seconds of voice speak for one language with 60 %, or after eight seconds.
    """

    def __init__(self, language: str | None) -> None:
        told = (language or "").split("-")[0].lower()
        self.fixed: str | None = told if told and told != "auto" else None
        self._weights: defaultdict[str, float] = defaultdict(float)
        self._heard_s = 0.0

    def heard(self, hypothesis: Hypothesis, voiced_s: float) -> None:
        """Take the languages that a final's audio seemed to be in."""
        if self.fixed is not None or not hypothesis.languages:
            return
        self._heard_s += voiced_s
        for language, probability in hypothesis.languages:
            self._weights[language] += probability * voiced_s
        best, weight = max(self._weights.items(), key=lambda entry: entry[1])
        sure = self._heard_s >= _ENOUGH_S and weight / self._heard_s >= _SURE
        if sure or self._heard_s >= _AT_MOST_S:
            self.fixed = best
