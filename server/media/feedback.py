"""When to ask upstream for key frames and lost packets, and how receivers' reports read at the sender. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .rtcp import ReportBlock

KEY_FRAME_INTERVAL_S = 0.5
UNANSWERED_AFTER_S = 1.0
MAX_REPEATED = 5
NACK_INTERVAL_S = 0.05
MAX_NACKED_UPSTREAM = 256


class KeyFrameGate:
    """At most one key frame request per `KEY_FRAME_INTERVAL_S`; one that comes too early waits, it is not lost.

    A request that no key frame follows is repeated: `awaited` is for whoever sees the frames to set to False.
    """

    def __init__(self) -> None:
        self.waiting = False
        self.awaited = False
        self._asked_s = float("-inf")
        self._repeated = 0

    def ask(self, now_s: float, *, urgent: bool = False) -> bool:
        """Tell whether to send a request now. `urgent`: somebody joined or the source changed, so at once."""
        self.waiting = True
        if urgent:
            self._asked_s = float("-inf")
        return self.due(now_s)

    def due(self, now_s: float) -> bool:
        """Tell whether a request that waits, or one that went unanswered, may go now; call it as packets arrive."""
        silent_s = now_s - self._asked_s
        if self.waiting and silent_s >= KEY_FRAME_INTERVAL_S:
            self._repeated = 0
        elif self.awaited and silent_s >= UNANSWERED_AFTER_S:
            self._repeated += 1
        else:
            return False
        self.waiting, self.awaited = False, self._repeated < MAX_REPEATED
        self._asked_s = now_s
        return True


class NackGate:
    """Asks the sender for each missing packet once per `NACK_INTERVAL_S`, however many ask for it."""

    def __init__(self) -> None:
        self._asked_s: dict[int, float] = {}

    def ask(self, sequence_numbers: Iterable[int], now_s: float) -> tuple[int, ...]:
        """Return those to ask for now, at most `MAX_NACKED_UPSTREAM`."""
        due: list[int] = []
        for number in dict.fromkeys(sequence_numbers):
            if now_s - self._asked_s.get(number, float("-inf")) >= NACK_INTERVAL_S:
                due.append(number)
        due = due[:MAX_NACKED_UPSTREAM]
        if len(self._asked_s) + len(due) > 4 * MAX_NACKED_UPSTREAM:
            self._asked_s = {n: asked_s for n, asked_s in self._asked_s.items() if now_s - asked_s < NACK_INTERVAL_S}
        if len(self._asked_s) + len(due) > 4 * MAX_NACKED_UPSTREAM:
            return ()
        self._asked_s.update(dict.fromkeys(due, now_s))
        return tuple(due)


def at_sender(block: ReportBlock, ssrc: int, highest_sequence: int) -> ReportBlock:
    """Return a receiver's report as the sender must read it.

    Loss, jitter and the delay since the last sender report hold end to end, because gaps are kept and
    sender reports pass with their NTP time unchanged.
    """
    return replace(block, ssrc=ssrc, highest_sequence=highest_sequence)
