"""Whisper's tokens: prompts in, text and timed words out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..model.transcript import Word

_FRAMES_PER_S = 50.0
_MOST_PROMPT_TOKENS = 100
_MOST_BEFORE_TOKENS = 64


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the decoder begins with: all tokens, the start sequence alone, and text tokens it must continue."""

    tokens: list[int]
    start: list[int]
    settled: list[int]


class WhisperText:
    """The tokenizer of one model.

    Raises:
        OSError: If `tokenizer_file` cannot be read.
    """

    def __init__(self, tokenizer_file: Path, multilingual: bool) -> None:
        import tokenizers

        self._tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer_file))
        self._multilingual = multilingual

    def prompt(self, language: str, owners: str = "", settled: str = "", before: str = "") -> Prompt:
        """Return the decoder's beginning for `language`; `owners` is the owner's prompt, `settled` text to go on from.

        Of `before`, what was said last, a power of two of tokens is taken, so that requests are often alike.
        """
        codec = self._codec(language)
        start = [*codec.sot_sequence]
        previous = codec.encode(" " + owners.strip())[-_MOST_PROMPT_TOKENS:] if owners else []
        said = codec.encode(" " + before) if before else []
        previous += said[-min(_MOST_BEFORE_TOKENS, 1 << len(said).bit_length() - 1) :] if said else []
        forced = codec.encode(" " + settled) if settled else []
        return Prompt(
            [*([codec.sot_prev, *previous] if previous else []), *start, codec.no_timestamps, *forced], start, forced
        )

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of `tokens`."""
        return str(self._codec("en").decode(list(tokens))).strip()

    def words(self, tokens: Sequence[int], align: Callable[[], Any], language: str) -> tuple[Word, ...]:
        """Return the words of `tokens`; times are seconds from the beginning of the audio.

        `align` runs the model's alignment of these tokens with the audio.

        Source: cross-attention alignment with dynamic time warping, Whisper's `timing.py` (MIT).
        """
        codec = self._codec(language)
        text_tokens = [token for token in tokens if token < codec.eot]
        alignment = align()[0]
        pairs = np.array(alignment.alignments)
        if not len(text_tokens) or not len(pairs):
            return ()
        steps = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
        begins_s = pairs[steps, 1] / _FRAMES_PER_S
        pieces, groups = codec.split_to_word_tokens([*text_tokens, codec.eot])
        words: list[Word] = []
        first = 0
        for piece, group in zip(pieces[:-1], groups[:-1], strict=True):
            end = first + len(group)
            start_s = float(begins_s[min(first, len(begins_s) - 1)])
            end_s = float(begins_s[min(end, len(begins_s) - 1)])
            probability = float(np.mean(alignment.text_token_probs[first:end])) if end > first else 0.0
            _append(words, piece, start_s, max(start_s, end_s), probability)
            first = end
        return tuple(words)

    def _codec(self, language: str) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        return Tokenizer(self._tokenizer, self._multilingual, task="transcribe", language=language)


def _append(words: list[Word], piece: str, start_s: float, end_s: float, probability: float) -> None:
    """Add a word; a piece that no space precedes, such as punctuation, joins the word before it."""
    text = piece.strip()
    if not text:
        return
    if words and not piece.startswith(" "):
        last = words[-1]
        words[-1] = last.model_copy(update={"text": last.text + text, "end_s": max(last.end_s, end_s)})
    else:
        words.append(Word(text=text, start_s=start_s, end_s=end_s, probability=min(1.0, max(0.0, probability))))
