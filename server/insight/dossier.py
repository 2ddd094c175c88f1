"""All that an advisor knows of its consultation."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence

from ..model.consultation import Agent, Language
from ..model.insight import Tip
from ..model.transcript import Utterance
from .background import Background
from .call import Call
from .news import News
from .notes import BEFORE, Notes
from .port import Dialogue
from .sameness import Given


class Dossier:
    """What was said, named and given so far, and what is known beforehand."""

    def __init__(self, agent: Agent, language: Language) -> None:
        self.given = Given()
        self.background = Background()
        self._agent = agent
        self._language = language
        self._utterances: list[Utterance] = []
        self._notes = Notes()
        self._news = News()

    def add(self, utterance: Utterance) -> tuple[Utterance | None, bool]:
        """Take a final transcript; return the other's last words before it, and whether the patient says news."""
        other = next((one for one in reversed(self._utterances) if one.role is not utterance.role), None)
        insort(self._utterances, utterance, key=_start)
        place = self._utterances.index(utterance)
        entities = self._notes.add(utterance, self._utterances[max(0, place - BEFORE) : place])
        return other, self._news.is_new(utterance, entities, other)

    def restore(self, utterances: Sequence[Utterance], given: Sequence[Tip]) -> None:
        """Take over what was said and given in the consultation's earlier life."""
        since, self._utterances = self._utterances, []
        for utterance in sorted([*utterances, *since], key=_start):
            self.add(utterance)
        for tip in given:
            self.given.add(tip)

    def dialogue(self, call: Call) -> Dialogue:
        """Return what a generator may look at now."""
        return Dialogue(
            language=self._language,
            utterances=tuple(self._utterances),
            agent=self._agent,
            given=self.given.tips,
            notes=self._notes,
            background=self.background,
            call=call,
        )


def _start(utterance: Utterance) -> float:
    return utterance.start_s
