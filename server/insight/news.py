"""When a model is worth asking: after a patient's turn that says something new, and never twice for the same."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.consultation import Role
from ..model.entities import Assertion, Entity
from ..model.transcript import Utterance
from .smalltalk import bare_answer, meant, says_something
from .text import fold

SHORTEST = 4
STEM = 6
"""Letters in which two forms of a word agree."""
NEW_WORDS = 2


class News:
    """Remembers what a patient has said. Ask about each utterance once, in the order they come."""

    def __init__(self) -> None:
        self._stated: set[tuple[str, str, str]] = set()
        self._words: set[str] = set()

    def is_new(self, utterance: Utterance, entities: Sequence[Entity], before: Utterance | None) -> bool:
        """Tell whether `utterance` is the patient's and says what was not said before.

        New is another concept, another assertion of the same, an answer to another question, or other words: two, or
        half of those that mean something. `before` are the other's last words.
        """
        if utterance.role is not Role.PATIENT or not says_something(utterance, before):
            return False
        stated = {
            (one.category.value, one.normal, one.assertion.value)
            for one in entities
            if one.assertion is not Assertion.ASKED
        }
        if before is not None and bare_answer(utterance):
            stated.add(("answer", fold(before.text), fold(utterance.text)))
        words = {word[:STEM] for word in meant(utterance) if len(word) >= SHORTEST}
        new_words = words - self._words
        is_new = bool(stated - self._stated) or len(new_words) >= min(NEW_WORDS, max(1, len(words) // 2))
        self._stated |= stated
        self._words |= words
        return is_new
