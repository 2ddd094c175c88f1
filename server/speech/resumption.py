"""What a process that died had shown, so that the next one goes on with it instead of saying it anew."""

from __future__ import annotations

from collections.abc import Sequence

from .agreement import LocalAgreement
from .port import Final, OpenUtterance
from .utterance import Utterance, spread

_SAME_START_S = 0.5


class Resumption:
    """Utterances that were open when the process before this one died; each is gone on with once."""

    def __init__(self, opened: Sequence[OpenUtterance]) -> None:
        self._opened = sorted(opened, key=lambda one: one.start_s)

    def begin(self, start_s: float) -> Utterance:
        """Return the open utterance that began at room time `start_s`, or else a new one."""
        for one in self._opened:
            if abs(one.start_s - start_s) <= _SAME_START_S:
                self._opened.remove(one)
                return Utterance(one.utterance_id, LocalAgreement(settled=one.settled.split()), shown=True)
        return Utterance()

    def missed(self, before_s: float) -> list[Final]:
        """Return what closes those that began before `before_s` and were not found again: what had settled of them."""
        lost = [one for one in self._opened if one.start_s < before_s - _SAME_START_S]
        self._opened = [one for one in self._opened if one not in lost]
        return [closing(one) for one in lost]


def closing(one: OpenUtterance, language: str = "") -> Final:
    """Return the final of an utterance of which no more will be heard: the words that had settled."""
    words = spread(one.settled.split(), one.start_s, one.end_s)
    return Final(one.utterance_id, one.start_s, one.end_s, one.settled, words, language)
