"""Presence and recent events in this process: enough for one node."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..model.consultation import Role
from ..model.events import Event
from .port import REPLAY_LIMIT, Presence


@dataclass(slots=True)
class _Kept:
    events: deque[tuple[int, Event]] = field(default_factory=lambda: deque(maxlen=REPLAY_LIMIT))
    present: dict[Role, Presence] = field(default_factory=dict)


class MemoryLiveStore:
    """A `LiveStore` that ends with the process."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    async def append(self, consultation_id: str, sequence: int, event: Event) -> None:
        """Keep `event`; a sequence not above the newest kept is a repetition and changes nothing."""
        events = self._kept.setdefault(consultation_id, _Kept()).events
        if not events or sequence > events[-1][0]:
            events.append((sequence, event))

    async def since(self, consultation_id: str, sequence: int) -> Sequence[tuple[int, Event]]:
        """Return the kept events after `sequence`, oldest first."""
        kept = self._kept.get(consultation_id)
        return [entry for entry in kept.events if entry[0] > sequence] if kept else []

    async def last_sequence(self, consultation_id: str) -> int:
        """Return the newest sequence kept, 0 if none."""
        kept = self._kept.get(consultation_id)
        return kept.events[-1][0] if kept and kept.events else 0

    async def set_presence(self, consultation_id: str, role: Role, presence: Presence | None) -> None:
        """Say who sits in a seat; None empties it."""
        present = self._kept.setdefault(consultation_id, _Kept()).present
        if presence is None:
            present.pop(role, None)
        else:
            present[role] = presence

    async def presence(self, consultation_id: str) -> Mapping[Role, Presence]:
        """Return who sits where."""
        kept = self._kept.get(consultation_id)
        return dict(kept.present) if kept else {}

    async def forget(self, consultation_id: str) -> None:
        """Drop everything about a consultation."""
        self._kept.pop(consultation_id, None)

    async def aclose(self) -> None:
        """Drop everything."""
        self._kept.clear()
