"""A room's recent events in order, for browsers that come back, and for a room that does."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from ..live.port import REPLAY_LIMIT
from ..model.audience import may_see
from ..model.consultation import Role
from ..model.events import EPHEMERAL, ChatSent, Event, FinalTranscript, TipReady
from ..model.insight import Tip
from ..model.transcript import Utterance


class RecentEvents:
    """Numbers durable events from 1 and keeps the newest `REPLAY_LIMIT`."""

    def __init__(self) -> None:
        self.sequence = 0
        self._kept: deque[tuple[int, Event]] = deque(maxlen=REPLAY_LIMIT)

    def add(self, event: Event) -> int:
        """Number and keep `event`; ephemeral ones get 0 and are not kept."""
        if isinstance(event, EPHEMERAL):
            return 0
        self.sequence += 1
        self._kept.append((self.sequence, event))
        return self.sequence

    def restore(self, numbered: list[tuple[int, Event]]) -> None:
        """Take over what an earlier life of the room kept."""
        for sequence, event in numbered:
            self.sequence = max(self.sequence, sequence)
            self._kept.append((sequence, event))

    def after(self, sequence: int, role: Role) -> list[tuple[int, Event]]:
        """Return what `role` may see after `sequence`; everything if that number was never given out."""
        since = sequence if sequence <= self.sequence else 0
        return [(number, event) for number, event in self._kept if number > since and role in may_see(event)]


def rebuilt(
    utterances: Sequence[Utterance], chat: Iterable[ChatSent], tips: Iterable[Tip], first: int
) -> list[tuple[int, Event]]:
    """Return the events that a restart lost from memory but not from the database, in room order.

    They are numbered from `first`, which must be above every number given out before the restart: a browser's
    `after` then means that it gets all of them, and knows those it has by their ids.
    """
    events: list[Event] = [FinalTranscript(at_s=said.end_s, utterance=said) for said in utterances]
    ended_s = {said.id: said.end_s for said in utterances}
    for tip in tips:
        at_s = max((ended_s.get(cited.utterance_id, 0.0) for cited in tip.evidence), default=0.0)
        events.append(TipReady(at_s=at_s, tip=tip))
    events.extend(chat)
    events.sort(key=lambda event: event.at_s)
    return list(enumerate(events, start=first))


def complete(mirrored: Sequence[tuple[int, Event]], utterances: Sequence[Utterance]) -> bool:
    """Say whether the live store's copy has everything that was said."""
    copied = {event.utterance.id for _, event in mirrored if isinstance(event, FinalTranscript)}
    return bool(mirrored) and all(said.id in copied for said in utterances)
