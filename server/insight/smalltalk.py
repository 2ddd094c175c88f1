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
    courtesies, answers = _words()
    rest = {token.norm for token in tokenize(utterance.text).tokens} - courtesies
    if not rest:
        return False
    if rest <= answers:
        return before is not None and read(before, known_language(before.language)).asks
    return True


@cache
def _words() -> tuple[frozenset[str], frozenset[str]]:
    small_talk = [load(language).small_talk for language in LANGUAGES]
    return (
        frozenset(fold(word) for one in small_talk for word in one.courtesies),
        frozenset(fold(word) for one in small_talk for word in one.answers),
    )
