"""A whole recording to utterances: longer passages than live recognition can wait for, read by a wide beam."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from ..model.audio import SPEECH_RATE_HZ
from ..model.consultation import Role
from ..model.transcript import Utterance, Word
from .language import LanguageChoice
from .pcm import PcmBuffer
from .plausibility import VoiceEvidence, is_plausible
from .port import Pcm
from .recogniser import Hypothesis, Request
from .segmenter import WINDOW_S, WINDOW_SAMPLES, Segment, Segmenter, SegmenterOptions, windows
from .shared import Activity

LONGEST_S = 25.0
_LONGEST_PAUSE_S = 1.5
_LEAST_VOICED_S = 0.1
_PLACES = 3


@dataclass(frozen=True, slots=True)
class Voice:
    """Whose recording is read; its first sample sounded at `start_s`. `language` None: detected, then fixed."""

    role: Role
    start_s: float = 0.0
    language: str | None = None
    sensitivity: float = 0.5
    provider: str = ""


def passages(segments: Iterable[Segment]) -> Iterator[list[Segment]]:
    """Join stretches of speech that short pauses part, up to 25 s: context is what the model hears best by."""
    passage: list[Segment] = []
    for segment in segments:
        if passage and (
            segment.speech_start - passage[-1].speech_end > windows(_LONGEST_PAUSE_S)
            or segment.end - passage[0].start > windows(LONGEST_S)
        ):
            yield passage
            passage = []
        passage.append(segment)
    if passage:
        yield passage


def read_voice(
    sound: Iterable[Pcm], voice: Voice, activity: Activity, recognise: Callable[[Request], Hypothesis]
) -> Iterator[Utterance]:
    """Yield what one voice said, in order; holds little more than one passage of `sound` at a time.

    What makes no sense as speech is left out, by the same rules as live.
    """
    pcm = PcmBuffer()
    language = LanguageChoice(voice.language)
    count = 0
    for passage in passages(_segments(sound, voice, activity, pcm)):
        first, last = passage[0].start, passage[-1].end
        samples = pcm.slice(first * WINDOW_SAMPLES, last * WINDOW_SAMPLES)
        pcm.forget(first * WINDOW_SAMPLES)
        hypothesis = recognise(Request(samples, language.fixed, final=True))
        evidence = _evidence(passage)
        if not is_plausible(hypothesis, evidence):
            continue
        language.heard(hypothesis, evidence.voiced_s)
        for text, words, segment in _by_segment(hypothesis, passage):
            count += 1
            yield _utterance(f"{voice.role}-{count}", text, words, segment, voice, hypothesis, first)


def _segments(sound: Iterable[Pcm], voice: Voice, activity: Activity, pcm: PcmBuffer) -> Iterator[Segment]:
    segmenter = Segmenter(replace(SegmenterOptions.for_sensitivity(voice.sensitivity), longest_s=LONGEST_S - 1))
    for samples in sound:
        pcm.append(samples)
        for probability in activity(samples):
            segment = segmenter.push(probability)
            if segment is not None and segment.voiced * WINDOW_S >= _LEAST_VOICED_S:
                yield segment
    segment = segmenter.flush()
    if segment is not None and segment.voiced * WINDOW_S >= _LEAST_VOICED_S:
        yield segment


def _evidence(passage: list[Segment]) -> VoiceEvidence:
    voiced = sum(segment.voiced for segment in passage)
    mean = sum(segment.voiced * segment.mean_probability for segment in passage) / voiced
    return VoiceEvidence(voiced * WINDOW_S, mean)


def _by_segment(hypothesis: Hypothesis, passage: list[Segment]) -> Iterator[tuple[str, tuple[Word, ...], Segment]]:
    """Part what was read of a passage where its speaker paused."""
    if len(passage) == 1 or not hypothesis.words:
        yield hypothesis.text, hypothesis.words, _span(passage)
        return
    first_s = passage[0].start * WINDOW_S
    shares: list[list[Word]] = [[] for _ in passage]
    place = 0
    for word in hypothesis.words:
        middle_s = first_s + (word.start_s + word.end_s) / 2
        while place + 1 < len(passage) and middle_s >= passage[place + 1].speech_start * WINDOW_S:
            place += 1
        shares[place].append(word)
    for words, segment in zip(shares, passage, strict=True):
        if words:
            yield " ".join(word.text for word in words), tuple(words), segment


def _span(passage: list[Segment]) -> Segment:
    return replace(passage[0], end=passage[-1].end, speech_end=passage[-1].speech_end)


def _utterance(
    name: str, text: str, words: tuple[Word, ...], segment: Segment, voice: Voice, hypothesis: Hypothesis, first: int
) -> Utterance:
    passage_s = voice.start_s + first * WINDOW_SAMPLES / SPEECH_RATE_HZ
    start_s = voice.start_s + segment.speech_start * WINDOW_S
    end_s = voice.start_s + segment.speech_end * WINDOW_S
    placed = []
    for word in words:
        begins = min(max(passage_s + word.start_s, start_s), end_s)
        ends = min(max(passage_s + word.end_s, begins), end_s)
        placed.append(word.model_copy(update={"start_s": round(begins, _PLACES), "end_s": round(ends, _PLACES)}))
    return Utterance(
        id=name,
        role=voice.role,
        start_s=round(start_s, _PLACES),
        end_s=round(end_s, _PLACES),
        text=text,
        words=tuple(placed),
        language=hypothesis.language,
        provider=voice.provider,
    )
