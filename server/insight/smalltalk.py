"""Which utterances are worth asking about."""

from __future__ import annotations

from functools import cache

from ..model.transcript import Utterance
from .findings import read
from .knowledge_file import load
from .languages import LANGUAGES, known_language
from .text import fold, tokenize


def says_something(utterance: Utterance, before: Utterance | None) -> bool:
    """Tell whether `utterance` can change what should be advised.

    Greetings and thanks can't. A bare yes or no can when `before`, the other's last words, asked something,
    which speech recognition often writes without a question mark.
    """
    if not meant(utterance):
        return False
    if bare_answer(utterance):
        return before is not None and read(before, known_language(before.language)).asks
    return True


def bare_answer(utterance: Utterance) -> bool:
    """Tell whether `utterance` is a yes or a no, and nothing else but courtesy."""
    words = meant(utterance)
    return bool(words) and words <= _words()[1]


def meant(utterance: Utterance) -> set[str]:
    """Return the words of `utterance` that are more than courtesy, folded."""
    return {token.norm for token in tokenize(utterance.text).tokens} - _words()[0]


@cache
def _words() -> tuple[frozenset[str], frozenset[str]]:
    small_talk = [load(language).small_talk for language in LANGUAGES]
    return (
        frozenset(fold(word) for one in small_talk for word in one.courtesies),
        frozenset(fold(word) for one in small_talk for word in one.answers),
    )
