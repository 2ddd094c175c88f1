"""Which words of a running utterance are certain (pure)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from ..model.transcript import Word

_UNSURE_END_S = 0.3
_LIKELY = 0.35
_DOUBTED_S = 1.0
_MET_WORDS = 3
_PASSED_S = 1.5
_HIDDEN_WORDS = 1


def comparable(word: str) -> str:
    """Return `word` without case and surrounding punctuation, for comparing hypotheses."""
    folded = unicodedata.normalize("NFC", word).casefold()
    return "".join(character for character in folded if character.isalnum())


@dataclass(frozen=True, slots=True)
class Reading:
    """One hypothesis over an utterance so far.

    `words` are those of `texts` with times in seconds from the utterance's beginning, or none where nobody knows them.
    `heard_s` is how long the sound was that was read.
    """

    texts: tuple[str, ...]
    words: tuple[Word, ...] = ()
    heard_s: float = 0.0

    @classmethod
    def of(cls, text: str, words: Sequence[Word], heard_s: float) -> Reading:
        """Return the reading of `text`; `words` count only if they are those of the text."""
        texts = tuple(text.split())
        return cls(texts, tuple(words) if len(words) == len(texts) else (), heard_s)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many first words both have in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if comparable(a) != comparable(b)), min(len(one), len(other)))


class LocalAgreement:
    """Settles the longest prefix on which two successive readings agree.

    Of a reading with times only words settle that end 0.3 s before its sound stops and no later than the sound of
    the reading before it: both heard them whole. An unlikely word settles once a second more was heard. Where the two
    differ, and agree again on three words that begin 1.5 s before the sound stops, the newer one counts. Of a reading
    without times the last `holdback` words never settle. A reading that contradicts what has settled goes on behind
    the last settled word's end.

    Source: LocalAgreement-2, Macháček et al. 2023 (arXiv 2307.14743).
    """

    def __init__(self, holdback: int = 3, settled: Sequence[str] = ()) -> None:
        self._holdback = holdback
        self._settled = tuple(settled)
        self._settled_words: tuple[Word, ...] = ()
        self._settled_until_s = 0.0
        self._previous = Reading(())
        self._shown: tuple[str, ...] = ()

    @property
    def settled(self) -> tuple[str, ...]:
        """The words that will not change any more."""
        return self._settled

    @property
    def settled_words(self) -> tuple[Word, ...]:
        """The same with times from the utterance's beginning, or none where not all are known."""
        return self._settled_words if len(self._settled_words) == len(self._settled) else ()

    @property
    def settled_until_s(self) -> float:
        """Where the last settled word ends, from the utterance's beginning; 0.0 where no time is known."""
        return self._settled_until_s

    def update(self, reading: Reading) -> tuple[str, ...]:
        """Take the newest reading and return the words to show: the settled ones, then the steady part of the rest.

        What was shown is taken back only for what two readings say.
        """
        first, before = self._rest(reading), self._rest(self._previous)
        rest, earlier = reading.texts[first:], self._previous.texts[before:]
        agreed = _common(rest, earlier)
        steady = max(agreed, len(rest) - _HIDDEN_WORDS, 0 if self._settled else 1)
        candidate = (*self._settled, *rest[:steady])
        if not len(self._settled) + agreed <= _common(candidate, self._shown) < len(self._shown):
            self._shown = candidate
        sure = min(self._met(reading, first, earlier, agreed), self._sure(reading, first))
        if sure > 0 and (self._continues(reading.texts) or (reading.words and self._settled_until_s)):
            self._settled += rest[:sure]
            if reading.words:
                self._settled_words += reading.words[first : first + sure]
                self._settled_until_s = reading.words[first + sure - 1].end_s
        self._previous = reading
        return self.show(self._shown)

    def show(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Return `texts` beginning with the settled words, without settling any."""
        return self._settled + tuple(texts)[len(self._settled) :]

    def preview(self, reading: Reading) -> tuple[str, ...]:
        """Return the words to show for `reading`, without settling any."""
        return self._settled + reading.texts[self._rest(reading) :]

    def _rest(self, reading: Reading) -> int:
        """Return where `reading` goes on behind what has settled."""
        count = len(self._settled)
        if self._continues(reading.texts) or not (reading.words and self._settled_until_s):
            return min(count, len(reading.texts))
        middles = ((word.start_s + word.end_s) / 2 for word in reading.words)
        return sum(1 for middle_s in middles if middle_s <= self._settled_until_s)

    def _met(self, reading: Reading, first: int, earlier: Sequence[str], agreed: int) -> int:
        """Return up to where `reading` and the one before agree, or met again behind what has long been said.

        `earlier` are the words of the one before, as those of `reading` behind its `first`; `agreed` begin both alike.
        """
        if not self._previous.words:
            return min(agreed, len(earlier) - self._holdback)
        if not reading.words:
            return agreed
        ours, theirs = ([comparable(word) for word in texts] for texts in (reading.texts[first:], earlier))
        meetings = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
        passed_s = reading.heard_s - _PASSED_S
        again = [one for one in meetings if one.size >= _MET_WORDS and one.a > agreed]
        return max([agreed, *(one.a + one.size for one in again if reading.words[first + one.a].start_s <= passed_s)])

    def _sure(self, reading: Reading, first: int) -> int:
        """Return how many words behind `first` may settle, as far as this reading tells."""
        if not reading.words:
            return len(reading.texts) - first - self._holdback
        latest_s = min(reading.heard_s - _UNSURE_END_S, self._previous.heard_s or reading.heard_s)
        for count, word in enumerate(reading.words[first:]):
            doubtful = word.probability < _LIKELY and word.end_s > latest_s - _DOUBTED_S
            if word.end_s > latest_s or doubtful:
                return count
        return len(reading.words) - first

    def _continues(self, texts: Sequence[str]) -> bool:
        settled = [comparable(word) for word in self._settled]
        return settled == [comparable(word) for word in texts[: len(settled)]]
