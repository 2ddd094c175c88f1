"""Several utterances in one pass of a Whisper model, each read as it would be alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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

Languages = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One utterance of a batch: its levelled samples, what was asked, the language to read it in."""

    samples: Pcm
    request: Request
    language: str
    languages: Languages = ()


class WhisperBatch:
    """Reads encoded utterances of equal length together.

    CTranslate2 wants as many tokens before the start of transcript in every prompt; language and the settled text
    after it may differ.
    """

    def __init__(self, model: Any, text: WhisperText, beam: int) -> None:
        self._model = model
        self._text = text
        self._beam = beam

    def read(self, encoded: Any, parts: Sequence[Part], frames: int) -> list[Hypothesis | None]:
        """Return what each of `parts` says; None for one that was still going on where it alone would be cut off."""
        prompts = [self._text.prompt(part.language, part.request.prompt, part.request.settled) for part in parts]
        longest = [_longest(prompt, part.samples) for prompt, part in zip(prompts, parts, strict=True)]
        results = self._model.generate(
            encoded,
            [prompt.tokens for prompt in prompts],
            beam_size=self._beam,
            max_length=max(longest),
            return_scores=True,
            return_no_speech_prob=True,
        )
        tokens = [list(result.sequences_ids[0]) for result in results]
        texts = [self._text.decode(one) for one in tokens]
        loops = [is_loop(text, one) for text, one in zip(texts, tokens, strict=True)]
        timed = [place for place, part in enumerate(parts) if part.request.final and texts[place] and not loops[place]]
        words = self._words(encoded, parts, prompts, tokens, timed, frames)
        return [
            None
            if len(tokens[place]) >= _cut(longest[place], prompts[place])
            else Hypothesis(
                texts[place],
                words.get(place, ()),
                part.language,
                part.languages,
                float(results[place].scores[0]),
                float(results[place].no_speech_prob),
                loops[place],
            )
            for place, part in enumerate(parts)
        ]

    def _words(
        self,
        encoded: Any,
        parts: Sequence[Part],
        prompts: Sequence[Prompt],
        tokens: Sequence[list[int]],
        timed: Sequence[int],
        frames: int,
    ) -> dict[int, tuple[Word, ...]]:
        """Return the words of those parts that are `timed`; one alignment for each language among them."""
        words: dict[int, tuple[Word, ...]] = {}
        content = [min(frames, -(-len(part.samples) // _HOP)) for part in parts]
        for language in {parts[place].language for place in timed}:
            wanted = [place for place in timed if parts[place].language == language]
            # Every utterance of the batch is aligned, wanted or not: a part of an encoding cannot be taken out.
            stub = tokens[wanted[0]][:1]
            aligned = self._model.align(
                encoded,
                prompts[wanted[0]].start,
                [tokens[place] if place in wanted else stub for place in range(len(parts))],
                content,
            )
            for place in wanted:
                words[place] = self._text.words(tokens[place], partial(list, (aligned[place],)), language)
        return words


def _longest(prompt: Prompt, samples: Pcm) -> int:
    return min(_LONGEST, len(prompt.tokens) + 16 + int(12 * len(samples) / _RATE_HZ))


def _cut(longest: int, prompt: Prompt) -> int:
    """Return how many tokens CTranslate2 lets an utterance have whose `max_length` is `longest`, or fewer."""
    return min(longest // 2, longest - len(prompt.tokens))
