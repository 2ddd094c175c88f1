"""The default with nothing configured: knowledge files matched against what was said. No model, no network."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.insight import Tip
from ...model.transcript import Utterance
from .. import knowledge_file, reasoning
from ..case import Case
from ..findings import Heard, read
from ..languages import LANGUAGES, known_language
from ..port import Dialogue, OnTip
from .options import ProviderOptions

ACTIONS_FROM = 0.25
FOLLOW_UPS_FROM = 0.5


class Rules:
    """Tips from the knowledge files. Reads each utterance once; combines them anew each time."""

    name = reasoning.NAME
    local = True

    def __init__(self) -> None:
        self._heard: dict[str, Heard] = {}

    async def consider(self, dialogue: Dialogue, on_tip: OnTip | None = None) -> Sequence[Tip]:  # noqa: ARG002
        """Return what the dialogue calls for and was not given yet, all at once. Never suspends."""
        return self.tips(dialogue)

    def tips(self, dialogue: Dialogue) -> list[Tip]:
        """Return what the dialogue calls for and was not given yet, the urgent first.

        The agent's sensitivity chooses how much: below 0.25 only dangers, from 0.5 on also follow-up questions.
        """
        heard = [self._read(utterance, dialogue) for utterance in dialogue.utterances]
        self._heard = {one.utterance.id: one for one in heard}
        if not heard:
            return []
        case = Case(heard)
        knowledge = knowledge_file.load(heard[-1].language)
        given = {tip.subject for tip in dialogue.given}
        found = [
            *reasoning.red_flags(case, knowledge),
            *reasoning.allergy_conflicts(case, knowledge),
            *reasoning.conflicts(case, knowledge),
        ]
        if dialogue.agent.sensitivity >= ACTIONS_FROM:
            found += [*reasoning.unasked(case, knowledge), *reasoning.actions(case, knowledge)]
            found += reasoning.explanations(case, knowledge)
        if dialogue.agent.sensitivity >= FOLLOW_UPS_FROM:
            found += reasoning.follow_ups(case, knowledge, given)
        return _once(found, given)

    async def aclose(self) -> None:
        """Forget what was heard."""
        self._heard.clear()

    def _read(self, utterance: Utterance, dialogue: Dialogue) -> Heard:
        known = self._heard.get(utterance.id)
        if known is not None and known.utterance is utterance:
            return known
        spoken_in = utterance.language if dialogue.language == "auto" else dialogue.language
        return read(utterance, known_language(spoken_in))


def _once(tips: list[Tip], given: set[str]) -> list[Tip]:
    unique: dict[str, Tip] = {}
    for tip in tips:
        if tip.subject not in given:
            unique.setdefault(tip.subject, tip)
    return list(unique.values())


def create(_options: ProviderOptions) -> Rules:
    """Return the rules, their files read and compiled."""
    for language in LANGUAGES:
        knowledge_file.lexicon(language)
    return Rules()
