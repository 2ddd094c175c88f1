"""What a live store must do: things that may be lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ..model.consultation import Frozen, Role
from ..model.events import ConnectionState, Event

REPLAY_LIMIT = 5000
"""Events kept per consultation for replay; older ones are in the database."""


class Presence(Frozen):
    """Who sits in a seat now."""

    identity: str
    name: str
    state: ConnectionState
    since_s: float


class LiveStore(Protocol):
    """Presence and recent events of the consultations that are live."""

    async def append(self, consultation_id: str, sequence: int, event: Event) -> None:
        """Keep `event` for replay under its `sequence` (rising by one a consultation).

        Raises:
            Unavailable: If the store does not answer.
        """

    async def since(self, consultation_id: str, sequence: int) -> Sequence[tuple[int, Event]]:
        """Return the kept events after `sequence`, oldest first (the newest `REPLAY_LIMIT` at most).

        Raises:
            Unavailable: If the store does not answer.
        """

    async def last_sequence(self, consultation_id: str) -> int:
        """Return the newest sequence kept, 0 if none."""

    async def set_presence(self, consultation_id: str, role: Role, presence: Presence | None) -> None:
        """Say who sits in a seat; None empties it."""

    async def presence(self, consultation_id: str) -> Mapping[Role, Presence]:
        """Return who sits where."""

    async def forget(self, consultation_id: str) -> None:
        """Drop everything about a consultation."""

    async def aclose(self) -> None:
        """Close connections."""
