"""A room's recent events in order, for browsers that come back, and for a room that does."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from ..live.port import REPLAY_LIMIT
from ..model.advice_events import Interaction, TipReleased
from ..model.audience import may_see, roles_of
from ..model.consultation import Role
from ..model.entities import Entity
from ..model.events import EPHEMERAL, ChatSent, EntitiesFound, Event, FinalTranscript, TipReady
from ..model.insight import Audience, Tip, TipMark
from ..model.transcript import Utterance
from .services import History


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


@dataclass(frozen=True, slots=True)
class Past:
    """What the database knows of a room's earlier life."""

    said: Sequence[Utterance]
    typed: Sequence[ChatSent]
    tips: Sequence[Tip]
    named: Sequence[Entity]
    marks: Mapping[str, TipMark | None] = field(default_factory=dict)
    interactions: Sequence[Interaction] = ()

    @classmethod
    async def of(cls, store: History, consultation_id: str) -> Self:
        """Read it.

        Raises:
            DatabaseUnavailable: If the database does not answer.
        """
        records = await store.tips(consultation_id)
        return cls(
            said=await store.utterances(consultation_id),
            typed=await store.chat_messages(consultation_id),
            tips=[record.tip for record in records],
            named=await store.entities(consultation_id),
            marks={record.tip.id: record.mark for record in records},
            interactions=[record.interaction for record in await store.interactions(consultation_id)],
        )

    def events(self, first: int) -> list[tuple[int, Event]]:
        """Return the events that a restart lost from memory but not from the database, in room order.

        They are numbered from `first`, which must be above every number given out before the restart: a browser's
        `after` then means that it gets all of them, and knows those it has by their ids.
        """
        events: list[Event] = [FinalTranscript(at_s=said.end_s, utterance=said) for said in self.said]
        ended_s = {said.id: said.end_s for said in self.said}
        found: dict[str, list[Entity]] = {}
        for entity in self.named:
            found.setdefault(entity.answer_id or entity.utterance_id, []).append(entity)
        for name, entities in found.items():
            events.append(EntitiesFound(at_s=ended_s.get(name, 0.0), utterance_id=name, entities=tuple(entities)))
        for tip in self.tips:
            at_s = max((ended_s.get(cited.utterance_id, 0.0) for cited in tip.evidence), default=0.0)
            events.append(TipReady(at_s=at_s, tip=tip.model_copy(update={"audience": Audience.CLINICIAN})))
            if Role.PATIENT in roles_of(tip.audience):
                events.append(TipReleased(at_s=at_s, tip=tip))
        events.extend(self.typed)
        events.sort(key=lambda event: event.at_s)
        return list(enumerate(events, start=first))

    def is_in(self, mirrored: Sequence[tuple[int, Event]]) -> bool:
        """Say whether the live store's copy has everything that was said and named, as it stands."""
        copied = {event.utterance.id for _, event in mirrored if isinstance(event, FinalTranscript)}
        stand = {one.id: one for _, event in mirrored if isinstance(event, EntitiesFound) for one in event.entities}
        said_all = all(said.id in copied for said in self.said)
        return bool(mirrored) and said_all and all(stand.get(one.id) == one for one in self.named)
