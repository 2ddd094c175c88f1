"""Voice activity to utterances (pure): where one begins, ends, or has to be cut."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

WINDOW_SAMPLES = 512
"""Samples of one voice-activity window at 16 kHz: 32 ms."""
WINDOW_S = WINDOW_SAMPLES / 16_000
_ABOUT = 2


def windows(duration_s: float) -> int:
    """Return how many windows make up `duration_s`, at least one."""
    return max(1, round(duration_s / WINDOW_S))


@dataclass(frozen=True, slots=True)
class SegmenterOptions:
    """When an utterance begins and ends. Thresholds are speech probabilities."""

    threshold: float = 0.5
    release: float = 0.35
    onset_s: float = 0.064
    pre_roll_s: float = 0.3
    hangover_s: float = 0.45
    short_hangover_s: float = 0.6
    short_s: float = 1.2
    longest_s: float = 13.0
    cut_search_s: float = 3.0

    @classmethod
    def for_sensitivity(cls, sensitivity: float) -> SegmenterOptions:
        """Return options for a sensitivity in [0, 1]: higher hears fainter voices, and more noise."""
        threshold = min(0.85, max(0.15, 0.75 - 0.5 * sensitivity))
        return cls(threshold=threshold, release=max(0.1, threshold - 0.15))


@dataclass(frozen=True, slots=True)
class Segment:
    """One utterance in window numbers: [start, end) to listen to, [speech_start, speech_end) as it was voiced."""

    start: int
    end: int
    speech_start: int
    speech_end: int
    voiced: int
    mean_probability: float
    forced: bool = False


class Segmenter:
    """Takes one speech probability a window; gives a `Segment` when an utterance has ended."""

    def __init__(self, options: SegmenterOptions) -> None:
        self._options = options
        self._next = 0
        self._floor = 0
        self._run = 0
        self._start: int | None = None
        self._speech_start = 0
        self._speech_end = 0
        self._voiced: list[float] = []
        self._recent: deque[tuple[int, float]] = deque(maxlen=windows(options.cut_search_s))
        self._gap: int | None = None

    @property
    def oldest_needed(self) -> int:
        """The first window whose samples a running or coming utterance can still ask for."""
        if self._start is not None:
            return self._start
        return max(self._floor, self._next - windows(self._options.pre_roll_s) - windows(self._options.onset_s) - 1)

    @property
    def current(self) -> Segment | None:
        """The running utterance as it stands, or None in silence."""
        if self._start is None:
            return None
        return self._segment(self._next, forced=False)

    def settle_until(self, window: int) -> None:
        """State that the running utterance is certain up to the word that ends in `window`: a good place for a cut."""
        self._gap = window

    def push(self, probability: float) -> Segment | None:
        """Take the next window's speech probability; return the utterance that this window ended."""
        window = self._next
        self._next += 1
        if self._start is None:
            self._look_for_onset(window, probability)
            return None
        self._recent.append((window, probability))
        if probability >= self._options.release:
            self._speech_end = window + 1
        if probability >= self._options.threshold:
            self._voiced.append(probability)
        if self._next - self._speech_end >= self._hangover():
            return self._finish(self._next)
        if self._next - self._start >= windows(self._options.longest_s):
            return self._cut()
        return None

    def flush(self) -> Segment | None:
        """End the running utterance now, if there is one."""
        self._run = 0
        return None if self._start is None else self._finish(self._next)

    def _look_for_onset(self, window: int, probability: float) -> None:
        if probability < self._options.threshold:
            self._run = 0
            self._voiced.clear()
            return
        self._run += 1
        self._voiced.append(probability)
        if self._run < windows(self._options.onset_s):
            return
        self._speech_start = window + 1 - self._run
        self._start = max(self._floor, self._speech_start - windows(self._options.pre_roll_s))
        self._speech_end = window + 1
        self._run = 0

    def _hangover(self) -> int:
        spoken = self._speech_end - self._speech_start
        short = spoken < windows(self._options.short_s)
        return windows(self._options.short_hangover_s if short else self._options.hangover_s)

    def _cut(self) -> Segment:
        """End a too long utterance; what follows belongs to the next one.

        The cut is at the quietest window about where its last certain word ends, or else of the last seconds.
        """
        wanted = self._next if self._gap is None else self._gap
        near = [entry for entry in self._recent if abs(entry[0] - wanted) <= _ABOUT and self._gap is not None]
        quietest, _ = min(near or self._recent, key=lambda entry: (entry[1], abs(entry[0] - wanted)))
        later = [(window, probability) for window, probability in self._recent if window > quietest]
        speech_end = self._speech_end
        self._speech_end = min(speech_end, quietest + 1)
        segment = self._finish(quietest + 1, forced=True)
        spoken = [window for window, probability in later if probability >= self._options.release]
        if spoken:
            self._start, self._speech_start, self._speech_end = quietest + 1, spoken[0], spoken[-1] + 1
            self._voiced = [probability for _, probability in later if probability >= self._options.threshold]
            self._recent.extend(later)
        return segment

    def _finish(self, end: int, *, forced: bool = False) -> Segment:
        segment = self._segment(end, forced=forced)
        self._floor = end
        self._start = None
        self._voiced = []
        self._recent.clear()
        self._gap = None
        return segment

    def _segment(self, end: int, *, forced: bool) -> Segment:
        start = self._start if self._start is not None else self._floor
        mean = sum(self._voiced) / len(self._voiced) if self._voiced else 0.0
        return Segment(start, end, self._speech_start, self._speech_end, len(self._voiced), mean, forced)
