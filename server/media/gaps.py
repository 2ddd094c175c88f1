"""Packets that a browser sent and we have not got: which to ask it for again, and when. Pure; driven by arrivals."""

from __future__ import annotations

from dataclasses import dataclass

MAX_MISSING = 256
HOPELESS = 100
"""So many lost together were lost with the network: a key frame is less, and of more use, than all of them."""
MAX_TRIES = 10
GIVE_UP_S = 2.0
FIRST_PATIENCE_S, LONGEST_PATIENCE_S = 0.01, 0.1
FIRST_RETRY_S, SHORTEST_RETRY_S, LONGEST_RETRY_S = 0.1, 0.04, 0.8
PATIENCE_DECAY = 0.95


@dataclass(slots=True)
class _Missing:
    since_s: float
    next_s: float
    tries: int = 0
    asked_s: float = 0.0


class GapWatch:
    """Of one stream. A gap waits a little for packets that were only overtaken, then each is asked for, and again.

    The wait follows the reordering seen, the pause between two requests the time that answers take. Sequence numbers
    are those on the wire. `hopeless`: more was lost than is worth asking for; whoever asks for a key frame resets it.
    `missed` counts what was lost on its way, whether it came again or not, but no hopeless gap: that is an absence.
    """

    def __init__(self) -> None:
        self.hopeless = False
        self.missed = 0
        self._highest: int | None = None
        self._missing: dict[int, _Missing] = {}
        self._next_s = float("inf")
        self._patience_s = FIRST_PATIENCE_S
        self._retry_s = FIRST_RETRY_S

    def arrived(self, sequence_number: int, now_s: float, *, again: bool = False) -> None:
        """Take a packet that came; `again`: as a retransmission, whoever asked for it."""
        if self._highest is None:
            self._highest = sequence_number
            return
        ahead = (sequence_number - self._highest) & 0xFFFF
        if 0 < ahead < 0x8000:
            if ahead > 1:
                self._note_gap(self._highest, ahead, now_s)
            self._highest = sequence_number
        elif ahead:
            self._fill(sequence_number, now_s, again)

    @property
    def open(self) -> bool:
        """Something is missing: each packet may fill it, or be the occasion to ask."""
        return bool(self._missing)

    def advance(self, packets: int) -> None:
        """Take so many packets that came in sequence and were passed on unseen, while nothing was missing."""
        if self._highest is not None:
            self._highest = (self._highest + packets) & 0xFFFF

    def due(self, now_s: float) -> tuple[int, ...]:
        """Return the packets to ask for now, oldest first; call it as packets arrive."""
        if now_s < self._next_s:
            return ()
        asked: list[int] = []
        for number, gap in list(self._missing.items()):
            if now_s < gap.next_s:
                continue
            if gap.tries >= MAX_TRIES or now_s - gap.since_s >= GIVE_UP_S:
                del self._missing[number]
                continue
            gap.tries += 1
            gap.asked_s, gap.next_s = now_s, now_s + self._retry_s
            asked.append(number)
        self._next_s = min((gap.next_s for gap in self._missing.values()), default=float("inf"))
        return tuple(asked)

    def _note_gap(self, highest: int, ahead: int, now_s: float) -> None:
        if ahead > HOPELESS:
            self.hopeless = True
            self._missing.clear()
            self._next_s = float("inf")
            return
        self.missed += ahead - 1
        self._patience_s = max(FIRST_PATIENCE_S, PATIENCE_DECAY * self._patience_s)
        next_s = now_s + self._patience_s
        for step in range(1, ahead):
            self._missing[(highest + step) & 0xFFFF] = _Missing(now_s, next_s)
        while len(self._missing) > MAX_MISSING:
            del self._missing[next(iter(self._missing))]
        self._next_s = min(self._next_s, next_s)

    def _fill(self, sequence_number: int, now_s: float, again: bool) -> None:
        gap = self._missing.pop(sequence_number, None)
        if gap is None:
            return
        if not again:
            self.missed -= 1
        if not gap.tries:
            if again:  # the receiver asked for it: that says nothing of packets overtaken
                return
            self._patience_s = min(LONGEST_PATIENCE_S, max(self._patience_s, 1.25 * (now_s - gap.since_s)))
        elif gap.tries == 1:
            # Of one asked for twice nobody can tell which request it answers.
            answer_s = now_s - gap.asked_s
            retry_s = self._retry_s + 0.25 * (1.5 * answer_s - self._retry_s)
            self._retry_s = min(LONGEST_RETRY_S, max(SHORTEST_RETRY_S, retry_s))
        else:
            self._retry_s = min(LONGEST_RETRY_S, 1.25 * self._retry_s)
