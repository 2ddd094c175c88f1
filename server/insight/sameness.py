"""What has been given already, so that nobody reads the same advice twice."""

from __future__ import annotations

from ..model.insight import Tip
from .text import fold, tokenize

SAME_WORDS = 0.8
"""Share of words in common from which two texts say the same."""
SAME_AS_DISMISSED = 0.5


class Given:
    """The tips given in one consultation."""

    def __init__(self) -> None:
        self._tips: dict[str, Tip] = {}
        self._subjects: set[str] = set()
        self._words: dict[str, frozenset[str]] = {}
        self._dismissed: set[str] = set()

    @property
    def tips(self) -> tuple[Tip, ...]:
        """Every tip given, oldest first."""
        return tuple(self._tips.values())

    def add(self, tip: Tip) -> None:
        """Remember `tip`."""
        self._tips[tip.id] = tip
        self._words[tip.id] = _words(tip.text)
        if tip.subject:
            self._subjects.add(_subject(tip.subject))

    def dismiss(self, tip: Tip) -> None:
        """Remember that nobody wants to read of this again."""
        self._dismissed.add(tip.id)

    def repeats(self, tip: Tip) -> bool:
        """Tell whether `tip` is about a subject given before, or says nearly the same."""
        if tip.subject and _subject(tip.subject) in self._subjects:
            return True
        words = _words(tip.text)
        return any(
            _share(words, known) >= (SAME_AS_DISMISSED if tip_id in self._dismissed else SAME_WORDS)
            for tip_id, known in self._words.items()
        )


def _subject(subject: str) -> str:
    return " ".join(token.norm for token in tokenize(subject.replace("_", " ")).tokens) or fold(subject)


def _words(text: str) -> frozenset[str]:
    return frozenset(token.norm for token in tokenize(text).tokens if len(token.norm) > 2)


def _share(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a and b else 0.0
