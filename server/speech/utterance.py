"""One utterance on its way from first interim to final."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..model.transcript import Word
from .agreement import LocalAgreement, Reading
from .pcm import SampleClock
from .plausibility import VoiceEvidence
from .port import Final, Interim
from .recogniser import Hypothesis
from .segmenter import WINDOW_S, WINDOW_SAMPLES, Segment

_LEAST_VOICED_S = 0.09
_KEPT_WORDS = 2
_LEAST_SPARED_S = 1.0


def evidence(segment: Segment) -> VoiceEvidence:
    """Return how much voice `segment` held."""
    return VoiceEvidence(segment.voiced * WINDOW_S, segment.mean_probability)


def is_click(segment: Segment) -> bool:
    """Return whether `segment` holds too little voice to be a word."""
    return segment.voiced * WINDOW_S < _LEAST_VOICED_S


@dataclass(frozen=True, slots=True)
class Rest:
    """What is still to be read of an utterance: from `start_s` on, behind the words `before`.

    It begins with the words `settled`, which the model must read again to know where it is.
    """

    start_s: float = 0.0
    before: tuple[Word, ...] = ()
    settled: str = ""

    def whole(self, hypothesis: Hypothesis) -> Hypothesis:
        """Return what `hypothesis`, read of the rest, makes of the utterance."""
        if not self.before:
            return hypothesis
        later = tuple(
            word.model_copy(update={"start_s": word.start_s + self.start_s, "end_s": word.end_s + self.start_s})
            for word in hypothesis.words
        )
        text = " ".join([*(word.text for word in self.before), hypothesis.text]).strip()
        return replace(hypothesis, text=text, words=self.before + later if later else ())


@dataclass(slots=True)
class Guess:
    """A final asked for in a short silence: it holds if no more is said until the utterance ends."""

    speech_end: int
    rest: Rest
    result: asyncio.Future[Hypothesis]

    def holds_for(self, segment: Segment) -> bool:
        """Return whether `segment` ended as guessed, and the model did not fail meanwhile."""
        failed = self.result.done() and (self.result.cancelled() or self.result.exception() is not None)
        return segment.speech_end == self.speech_end and not failed


@dataclass(slots=True)
class Utterance:
    """Its identity, what was shown of it, and which windows were asked about last."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    agreement: LocalAgreement = field(default_factory=LocalAgreement)
    shown: bool = False
    ended: bool = False
    closed: bool = False
    asked_at: int | None = None
    read_to: int = 0
    language: str = ""
    guess: Guess | None = None

    @property
    def settled(self) -> str:
        """The text already shown as certain."""
        return " ".join(self.agreement.settled)

    def rest(self, *, final: bool, from_beginning: bool = False) -> Rest:
        """Return what is still to be read: from two settled words on, if that spares a second, or else all of it.

        Where all is read, a final goes on from what has settled, and an interim is free to contradict it.
        """
        words = self.agreement.settled_words
        before, kept = words[:-_KEPT_WORDS], words[-_KEPT_WORDS:]
        start_s = (before[-1].end_s + kept[0].start_s) / 2 if before else 0.0
        if start_s >= _LEAST_SPARED_S and not from_beginning:
            return Rest(start_s, before, " ".join(word.text for word in kept))
        return Rest(settled=self.settled if final else "")

    def interim_of(self, hypothesis: Hypothesis, segment: Segment, clock: SampleClock) -> Interim:
        """Return what to show for the newest hypothesis.

        Once its final has been asked for, even as a guess, nothing more settles: it goes on from what had settled
        by then.
        """
        self.read_to = segment.end
        heard_s = (segment.end - segment.start) * WINDOW_S
        reading = Reading.of(hypothesis.text, hypothesis.words, heard_s)
        undecided = self.ended or self.guess is not None
        words = self.agreement.preview(reading) if undecided else self.agreement.update(reading)
        self.language = hypothesis.language
        self.shown = True
        return Interim(
            self.id,
            clock.at(segment.speech_start * WINDOW_SAMPLES),
            clock.at(segment.speech_end * WINDOW_SAMPLES),
            " ".join(words),
            len(self.settled),
            hypothesis.language,
        )

    def final_of(self, hypothesis: Hypothesis | None, segment: Segment, clock: SampleClock) -> Final:
        """Return the final: what was read, but never without what had settled; with neither, one that says nothing."""
        start_s = clock.at(segment.speech_start * WINDOW_SAMPLES)
        end_s = max(start_s, clock.at(segment.speech_end * WINDOW_SAMPLES))
        if hypothesis is None:
            hypothesis = Hypothesis(self.settled, self.agreement.settled_words, self.language)
        first_sample = segment.start * WINDOW_SAMPLES
        words = _on_room_clock(hypothesis.words, first_sample, clock, start_s, end_s)
        texts = self.agreement.show(hypothesis.text.split())
        words = _with_texts(words, texts, start_s, end_s)
        return Final(self.id, start_s, end_s, " ".join(texts), words, hypothesis.language, hypothesis.provider)


def _on_room_clock(
    words: Sequence[Word], first_sample: int, clock: SampleClock, start_s: float, end_s: float
) -> tuple[Word, ...]:
    placed = []
    earliest = start_s
    for word in words:
        begins = clock.at(first_sample + round(word.start_s * 16_000))
        ends = clock.at(first_sample + round(word.end_s * 16_000))
        begins = min(max(begins, earliest), end_s)
        ends = min(max(ends, begins), end_s)
        placed.append(word.model_copy(update={"start_s": begins, "end_s": ends}))
        earliest = begins
    return tuple(placed)


def _with_texts(words: Sequence[Word], texts: Sequence[str], start_s: float, end_s: float) -> tuple[Word, ...]:
    """Return a word for each of `texts`, with the times of `words`; those beyond them fill the rest."""
    timed = tuple(word.model_copy(update={"text": text}) for word, text in zip(words, texts, strict=False))
    return timed + spread(texts[len(timed) :], timed[-1].end_s if timed else start_s, end_s)


def spread(texts: Sequence[str], start_s: float, end_s: float) -> tuple[Word, ...]:
    """Return words of which nothing is known but their order, side by side."""
    step_s = (end_s - start_s) / max(1, len(texts))
    return tuple(
        Word(text=text, start_s=start_s + place * step_s, end_s=start_s + (place + 1) * step_s, probability=0.0)
        for place, text in enumerate(texts)
    )


@dataclass(frozen=True, slots=True)
class Pending:
    """An ended utterance whose final has been asked for."""

    utterance: Utterance
    segment: Segment
    rest: Rest
    result: asyncio.Future[Hypothesis]
