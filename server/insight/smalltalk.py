"""Which utterances are worth asking about."""

from __future__ import annotations

from functools import cache

from ..model.transcript import Utterance
from .knowledge_file import load
from .languages import LANGUAGES
from .text import fold, tokenize


def says_something(utterance: Utterance, before: Utterance | None) -> bool:
    """Tell whether `utterance` can change what should be advised.

    Greetings and thanks can't. A bare yes or no can when `before`, the other's last words, asked something.
    """
    courtesies, answers = _words()
    rest = {token.norm for token in tokenize(utterance.text).tokens} - courtesies
    if not rest:
        return False
    if rest <= answers:
        return before is not None and before.text.rstrip().endswith("?")
    return True


@cache
def _words() -> tuple[frozenset[str], frozenset[str]]:
    small_talk = [load(language).small_talk for language in LANGUAGES]
    return (
        frozenset(fold(word) for one in small_talk for word in one.courtesies),
        frozenset(fold(word) for one in small_talk for word in one.answers),
    )
