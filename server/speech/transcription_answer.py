"""What a transcription endpoint answers, made a hypothesis (pure). Word times are used where there are any."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from ..model.transcript import Word
from .plausibility import is_loop
from .recogniser import Hypothesis
from .scoring import normalized

_MOST_LETTERS = 5_000
_LANGUAGES = {
    "portuguese": "pt",
    "english": "en",
    "spanish": "es",
    "french": "fr",
    "german": "de",
    "italian": "it",
}

Span = tuple[float, float]


def hypothesis_of(body: bytes, duration_s: float, language: str | None) -> Hypothesis:
    """Return what `body`, the answer on `duration_s` of audio, says was said.

    `language` is the one asked for; without it the answer's own counts.

    Raises:
        ValueError: If it is no transcript.
    """
    try:
        answer: object = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("text"), str):
        raise ValueError("no text")
    tokens = answer["text"].split()
    text = " ".join(tokens)
    if len(text) > _MOST_LETTERS:
        raise ValueError("too much text")
    segments = [entry for entry in _list(answer.get("segments")) if isinstance(entry, dict)]
    spans = _placed(tokens, _timed(answer, segments, duration_s), duration_s)
    words = tuple(Word(text=token, start_s=start, end_s=end) for token, (start, end) in zip(tokens, spans, strict=True))
    spoken = language or _code(answer.get("language"))
    return Hypothesis(
        text,
        words,
        spoken,
        () if language or not spoken else ((spoken, 1.0),),
        min((_number(entry.get("avg_logprob"), 0.0) for entry in segments), default=0.0),
        max((_number(entry.get("no_speech_prob"), 0.0) for entry in segments), default=0.0),
        is_loop(text, [hash(token) for token in tokens]),
    )


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: object, otherwise: float) -> float:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if usable else otherwise  # type: ignore[arg-type]


def _code(name: object) -> str:
    if not isinstance(name, str):
        return ""
    name = name.strip().lower()
    short = name.split("-")[0]
    return short if len(short) == 2 and short.isalpha() else _LANGUAGES.get(name, "")


def _timed(
    answer: Mapping[str, Any], segments: Sequence[Mapping[str, Any]], duration_s: float
) -> list[tuple[str, Span]]:
    """Return the answer's words with times that make sense, wherever it has them."""
    entries = _list(answer.get("words")) or [word for entry in segments for word in _list(entry.get("words"))]
    timed: list[tuple[str, Span]] = []
    latest = 0.0
    for entry in entries:
        word = entry.get("word", entry.get("text")) if isinstance(entry, dict) else None
        if not isinstance(word, str):
            continue
        start, end = _number(entry.get("start"), -1.0), _number(entry.get("end"), -1.0)
        if latest <= start <= end <= duration_s + 1.0:
            latest = start
            timed.append((word, (start, min(end, duration_s))))
    return timed


def _placed(tokens: Sequence[str], timed: Sequence[tuple[str, Span]], duration_s: float) -> list[Span]:
    """Return a span for each token: its own time, or its share, by letters, of what its neighbours leave."""
    ours = [normalized(token) for token in tokens]
    theirs = [normalized(word) for word, _ in timed]
    known: dict[int, Span] = {}
    for match in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        for offset in range(match.size):
            known[match.a + offset] = timed[match.b + offset][1]
    spans: list[Span] = []
    while len(spans) < len(tokens):
        place = len(spans)
        if place in known:
            spans.append(known[place])
            continue
        stop = next((later for later in range(place, len(tokens)) if later in known), len(tokens))
        begins = spans[-1][1] if spans else 0.0
        ends = max(begins, known[stop][0] if stop < len(tokens) else duration_s)
        spans += _shared(tokens[place:stop], begins, ends)
    return spans


def _shared(tokens: Sequence[str], begins: float, ends: float) -> list[Span]:
    letters = sum(len(token) for token in tokens)
    spans: list[Span] = []
    at = begins
    for token in tokens:
        after = at + (ends - begins) * len(token) / letters
        spans.append((at, min(after, ends)))
        at = after
    return spans
