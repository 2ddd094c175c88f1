"""Utterances that were committed to a realtime service, and which of its answers is whose."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass

from .recogniser import Hypothesis, Request
from .remote_requests import RemoteFailed
from .transcription_answer import hypothesis_of

_MOST_LETTERS = 5_000


@dataclass(eq=False, slots=True)
class Turn:
    """One utterance, and where its transcript goes."""

    request: Request
    result: asyncio.Future[Hypothesis]
    item: str = ""


class Turns:
    """Those without an answer, oldest first; and what was guessed of the utterance that still goes on."""

    def __init__(self) -> None:
        self.waiting: deque[Turn] = deque()
        self.heard = ""
        self._answered = False

    def committed(self, turn: Turn) -> None:
        """The service was told that `turn` has ended."""
        self.waiting.append(turn)
        self.heard = ""

    def named(self, item: str) -> None:
        """The service calls the oldest turn that has no name `item`."""
        turn = next((turn for turn in self.waiting if not turn.item), None)
        if turn is not None:
            turn.item = item

    def guessed(self, item: str, text: object) -> None:
        """Take a piece of what is being said; what belongs to a turn that has ended is of no use any more."""
        ended = any(turn.item in ("", item) for turn in self.waiting)
        if isinstance(text, str) and not ended and len(self.heard) + len(text) <= _MOST_LETTERS:
            self.heard += text

    def completed(self, item: str, transcript: object) -> None:
        """Give a turn its transcript."""
        turn = self._of(item)
        if turn is None:
            return
        request = turn.request
        try:
            body = json.dumps({"text": transcript}).encode()
            said = hypothesis_of(body, len(request.samples) / 16_000, request.language)
        except ValueError:
            self.fail(turn, RemoteFailed("did not answer with a transcript"))
            return
        self._answered = True
        self.waiting.remove(turn)
        if not turn.result.done():
            turn.result.set_result(said)

    def refused(self, failed: RemoteFailed, item: str = "") -> None:
        """The service can make nothing of a turn, or of the oldest one."""
        turn = self._of(item)
        if turn is not None:
            self.fail(turn, failed)

    def fail(self, turn: Turn, failed: RemoteFailed) -> None:
        """Give up one turn."""
        if turn in self.waiting:
            self.waiting.remove(turn)
        if not turn.result.done():
            turn.result.set_exception(failed)

    def fail_all(self, failed: RemoteFailed) -> None:
        """Give up every turn."""
        for turn in self.take():
            self.fail(turn, failed)

    def take(self) -> list[Turn]:
        """Return those that somebody still waits for, to be committed anew."""
        taken = [turn for turn in self.waiting if not turn.result.done()]
        self.waiting.clear()
        self.heard = ""
        for turn in taken:
            turn.item = ""
        return taken

    def answered(self) -> bool:
        """Return whether there was a transcript since the last time this was asked."""
        answered, self._answered = self._answered, False
        return answered

    def cancel(self) -> None:
        """Nobody waits any more."""
        for turn in self.take():
            turn.result.cancel()

    def _of(self, item: str) -> Turn | None:
        named = next((turn for turn in self.waiting if item and turn.item == item), None)
        return named or next((turn for turn in self.waiting if not (item and turn.item)), None)
