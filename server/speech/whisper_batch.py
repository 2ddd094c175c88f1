"""Several utterances in one pass of a Whisper model, each read as it would be alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..model.transcript import Word
from .plausibility import is_loop
from .port import Pcm
from .recogniser import Hypothesis, Request
from .whisper_text import Prompt, WhisperText

_HOP = 160
_RATE_HZ = 16_000
_LONGEST = 440
_LANGUAGES_KEPT = 5
FALLBACK_LANGUAGE = "en"

Languages = tuple[tuple[str, float], ...]


def spoken_languages(model: Any, encoded: Any, requests: Sequence[Request]) -> list[tuple[str, Languages]]:
    """Return the language to read each request in and, where it had to be detected, the likeliest ones."""
    if all(request.language is not None for request in requests):
        return [(request.language or "", ()) for request in requests]
    if model.is_multilingual:
        found = [_likeliest(one) for one in model.detect_language(encoded)]
    else:
        found = [(FALLBACK_LANGUAGE, ((FALLBACK_LANGUAGE, 1.0),))] * len(requests)
    return [
        one if request.language is None else (request.language, ())
        for request, one in zip(requests, found, strict=True)
    ]


def _likeliest(found: Sequence[tuple[str, float]]) -> tuple[str, Languages]:
    languages = tuple((token.strip("<|>"), float(probability)) for token, probability in found[:_LANGUAGES_KEPT])
    return languages[0][0], languages


@dataclass(slots=True)
class _Part:
    """One utterance of a batch: its levelled samples, how it is asked for, what was read of it."""

    samples: Pcm
    request: Request
    language: str
    languages: Languages
    prompt: Prompt
    tokens: list[int] = field(default_factory=list)
    text: str = ""
    looped: bool = False

    @property
    def longest(self) -> int:
        """The `max_length` it would have alone."""
        return min(_LONGEST, len(self.prompt.tokens) + 16 + int(12 * len(self.samples) / _RATE_HZ))

    @property
    def cut_off(self) -> bool:
        """Whether it went on beyond where CTranslate2 would have ended it alone, or nearly."""
        return len(self.tokens) >= min(self.longest // 2, self.longest - len(self.prompt.tokens))

    @property
    def timed(self) -> bool:
        """Whether its words have times."""
        return bool(self.text) and not self.looped


class WhisperBatch:
    """Reads encoded utterances of equal length together.

    CTranslate2 wants as many tokens before the start of transcript in every prompt; language and the settled text
    after it may differ.
    """

    def __init__(self, model: Any, text: WhisperText, beam: int) -> None:
        self._model = model
        self._text = text
        self._beam = beam

    def read(
        self, encoded: Any, sounds: Sequence[Pcm], requests: Sequence[Request], frames: int
    ) -> list[Hypothesis | None]:
        """Return what each request says; None for one that still went on where it alone would be cut off."""
        spoken = spoken_languages(self._model, encoded, requests)
        parts = [
            _Part(
                samples, request, *known, self._text.prompt(known[0], request.prompt, request.settled, request.before)
            )
            for samples, request, known in zip(sounds, requests, spoken, strict=True)
        ]
        results = self._model.generate(
            encoded,
            [part.prompt.tokens for part in parts],
            beam_size=self._beam,
            max_length=max(part.longest for part in parts),
            return_scores=True,
            return_no_speech_prob=True,
        )
        for part, result in zip(parts, results, strict=True):
            part.tokens = list(result.sequences_ids[0])
            part.text = self._text.decode(part.tokens)
            part.looped = is_loop(part.text, part.tokens)
        words = self._words(encoded, parts, frames)
        return [
            None if part.cut_off and len(parts) > 1 else _hypothesis(part, result, words.get(place, ()))
            for place, (part, result) in enumerate(zip(parts, results, strict=True))
        ]

    def _words(self, encoded: Any, parts: Sequence[_Part], frames: int) -> dict[int, tuple[Word, ...]]:
        """Return the words of the parts that are timed, by place; one alignment for each language among them."""
        words: dict[int, tuple[Word, ...]] = {}
        content = [min(frames, -(-len(part.samples) // _HOP)) for part in parts]
        for language in {part.language for part in parts if part.timed}:
            wanted = {place: part for place, part in enumerate(parts) if part.timed and part.language == language}
            first = next(iter(wanted.values()))
            # Every utterance of the batch is aligned, wanted or not: a part of an encoding cannot be taken out.
            tokens = [part.tokens if place in wanted else first.tokens[:1] for place, part in enumerate(parts)]
            aligned = self._model.align(encoded, first.prompt.start, tokens, content)
            for place, part in wanted.items():
                words[place] = self._text.words(part.tokens, partial(list, (aligned[place],)), language)
        return words


def _hypothesis(part: _Part, result: Any, words: tuple[Word, ...]) -> Hypothesis:
    score, silence = float(result.scores[0]), float(result.no_speech_prob)
    return Hypothesis(part.text, words, part.language, part.languages, score, silence, part.looped)
