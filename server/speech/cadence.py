"""When a running utterance is read again (pure)."""

from __future__ import annotations

from .segmenter import Segment, windows
from .utterance import Utterance

_FIRST_S = 0.55
_EVERY_S = 0.75
_MODEL_SHARE = 2.0
_AGAIN_S = 0.3
_PAUSE_S = 0.1


class Cadence:
    """First after 0.55 s, then every 0.75 s or twice the time of the last reading: the busier the model, the rarer.

    While nothing could be shown yet, 0.3 s later.
    """

    def __init__(self) -> None:
        self._every_s = _EVERY_S

    def is_due(self, utterance: Utterance, segment: Segment) -> bool:
        """Return whether enough was heard since `utterance` was last asked about, some of it voice.

        Not in a silence: it may be the end, and then a final is read in a moment.
        """
        if segment.end - segment.speech_end >= windows(_PAUSE_S):
            return False
        if utterance.asked_at is None:
            return segment.end - segment.speech_start >= windows(_FIRST_S)
        return segment.end - utterance.asked_at >= windows(self._every_s) and segment.speech_end > utterance.asked_at

    def note(self, took_s: float) -> None:
        """Take note of how long a reading took, waiting included."""
        self._every_s = max(_EVERY_S, _MODEL_SHARE * took_s)

    def hurry(self, utterance: Utterance, segment: Segment) -> None:
        """State that what was read of `segment` could not be shown, nor anything before it."""
        utterance.asked_at = min(segment.end, segment.end - windows(self._every_s) + windows(_AGAIN_S))
