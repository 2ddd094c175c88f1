"""What was shown, and when, against what was said (pure)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jiwer

from ..agreement import comparable
from ..port import Final, Interim
from ..scoring import Heard, Turn, normalized, percentiles

_MARGIN_S = 0.5


@dataclass(frozen=True, slots=True)
class TrueWord:
    """A word of the reference, normalized, and when it ends. `turn` numbers the turns of its channel."""

    text: str
    end_s: float
    turn: int


@dataclass(frozen=True, slots=True)
class ShownWord:
    """A word of the final text: when it was first shown, and from when on it could not change."""

    text: str
    first_s: float
    fixed_s: float


@dataclass(slots=True)
class Samples:
    """Latencies in seconds and counts of words, gathered over channels."""

    errors: int = 0
    words: int = 0
    offline_errors: int = 0
    offline_words: int = 0
    first_interim: list[float] = field(default_factory=list)
    first_word: list[float] = field(default_factory=list)
    interim_word: list[float] = field(default_factory=list)
    committed_word: list[float] = field(default_factory=list)
    last_word: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    erased: int = 0
    committed_erased: int = 0
    shown: int = 0
    invented: int = 0

    def summary(self) -> dict[str, Any]:
        """Return the figures as JSON values; rates are shares of 1."""
        return {
            "word_error_rate": _share(self.errors, self.words),
            "word_error_rate_to_offline": _share(self.offline_errors, self.offline_words),
            "first_interim_s": percentiles(self.first_interim),
            "interim_word_s": percentiles(self.interim_word),
            "committed_word_s": percentiles(self.committed_word),
            "last_word_s": percentiles(self.last_word),
            "final_s": percentiles(self.final),
            "erasure": _share(self.erased, self.shown),
            "committed_words_changed": self.committed_erased,
            "words_outside_turns": self.invented,
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def word_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """Return errors and reference words of two texts, in lower case and without punctuation."""
    before, after = normalized(reference), normalized(hypothesis)
    if not before:
        return len(after.split()), 0
    counted = jiwer.process_words(before, after)
    return counted.substitutions + counted.deletions + counted.insertions, len(before.split())


def final_text(heard: Heard) -> str:
    """Return all that was said on a channel, in order of time."""
    return " ".join(final.text for _, final in sorted(heard.finals, key=lambda one: one[1].start_s))


def measure_channel(samples: Samples, heard: Heard, turns: Sequence[Turn], words: Sequence[TrueWord]) -> None:
    """Add one channel's figures to `samples`. `turns` and `words` are that channel's; `words` may be empty."""
    errors, count = word_errors(" ".join(turn.text for turn in turns), final_text(heard))
    samples.errors += errors
    samples.words += count
    _measure_steadiness(samples, heard)
    _measure_words(samples, heard, turns, words)
    _measure_turns(samples, heard, turns)


def shown_words(heard: Heard) -> list[ShownWord]:
    """Return the final words of a channel, normalized, in order of time."""
    shown: list[ShownWord] = []
    for came_s, final in sorted(heard.finals, key=lambda one: one[1].start_s):
        states = [(at, one.text.split(), _settled(one)) for at, one in heard.interims if _same(one, final)]
        for place, word in enumerate(final.text.split()):
            right = [
                (at, place < settled)
                for at, text, settled in states
                if place < len(text) and comparable(text[place]) == comparable(word)
            ]
            first_s = min([at for at, _ in right] + [came_s])
            fixed_s = min([at for at, settled in right if settled] + [came_s])
            shown += [ShownWord(piece, first_s, fixed_s) for piece in normalized(word).split()]
    return shown


def _same(interim: Interim, final: Final) -> bool:
    return interim.utterance_id == final.utterance_id


def _settled(interim: Interim) -> int:
    return len(interim.text[: interim.settled_chars].split())


def _measure_words(samples: Samples, heard: Heard, turns: Sequence[Turn], words: Sequence[TrueWord]) -> None:
    shown = shown_words(heard)
    if not words or not shown:
        return
    said = " ".join(word.text for word in words)
    first_s: dict[int, float] = {}
    fixed_s: dict[int, float] = {}
    for chunk in jiwer.process_words(said, " ".join(word.text for word in shown)).alignments[0]:
        if chunk.type != "equal":
            continue
        for offset in range(chunk.ref_end_idx - chunk.ref_start_idx):
            true, seen = words[chunk.ref_start_idx + offset], shown[chunk.hyp_start_idx + offset]
            samples.interim_word.append(seen.first_s - true.end_s)
            samples.committed_word.append(seen.fixed_s - true.end_s)
            first_s[true.turn] = min(seen.first_s, first_s.get(true.turn, seen.first_s))
            fixed_s[true.turn] = seen.fixed_s
    samples.first_word += [at - turns[turn].start_s for turn, at in first_s.items()]
    samples.last_word += [at - turns[turn].end_s for turn, at in fixed_s.items()]


def _measure_turns(samples: Samples, heard: Heard, turns: Sequence[Turn]) -> None:
    for turn in turns:
        finals = [at for at, one in heard.finals if one.start_s < turn.end_s + 0.3 and one.end_s > turn.end_s - 0.6]
        firsts = [at for at, one in heard.interims if turn.start_s - 0.3 < one.end_s and one.start_s < turn.end_s]
        samples.final += [max(finals) - turn.end_s] if finals else []
        samples.first_interim += [min(firsts) - turn.start_s] if firsts else []
    for _, final in heard.finals:
        if not any(final.start_s < turn.end_s + _MARGIN_S and final.end_s > turn.start_s - _MARGIN_S for turn in turns):
            samples.invented += len(final.text.split())


def _measure_steadiness(samples: Samples, heard: Heard) -> None:
    """Count shown words that were taken back before the final, and settled ones that were not kept to the letter.

    Source: normalised erasure, Arivazhagan et al. 2020 (arXiv 1912.03393).
    """
    for _, final in heard.finals:
        states = [one for _, one in heard.interims if _same(one, final)]
        texts = [*(one.text.split() for one in states), final.text.split()]
        for before, after in itertools.pairwise(texts):
            samples.erased += len(before) - _common(before, after)
        for number, one in enumerate(states):
            settled = one.text[: one.settled_chars]
            samples.committed_erased += sum(
                1 for later in texts[number + 1 :] if later[: len(settled.split())] != settled.split()
            )
        samples.shown += len(texts[-1])


def _common(before: Sequence[str], after: Sequence[str]) -> int:
    count = 0
    for one, other in zip(before, after, strict=False):
        if comparable(one) != comparable(other):
            break
        count += 1
    return count


def measure_offline(samples: Samples, heard: Mapping[str, Heard], offline: Mapping[str, str]) -> None:
    """Add the errors of a piece's channels against what the same model reads of the whole file."""
    for speaker, what in heard.items():
        errors, count = word_errors(offline.get(speaker, ""), final_text(what))
        samples.offline_errors += errors
        samples.offline_words += count
