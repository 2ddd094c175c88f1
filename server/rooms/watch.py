"""What a room looks at from time to time: silent media, empty seats, the longest duration, the disk."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.consultation import Role
from ..model.events import ConnectionState, EndReason
from ..settings import Settings
from .participant import Seat

LOOK_EVERY_S = 0.5
HEARTBEAT_S = 5.0
HEARTBEAT_MISSED_S = 3 * HEARTBEAT_S


@dataclass(frozen=True, slots=True)
class Limits:
    """When silence, absence and length have consequences, in seconds."""

    unstable_after_s: float
    lost_after_s: float
    grace_s: float
    idle_s: float
    longest_s: float

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Take them from the settings."""
        return cls(
            unstable_after_s=settings.unstable_after_s,
            lost_after_s=settings.lost_after_s,
            grace_s=settings.reconnect_grace_s,
            idle_s=settings.idle_timeout_s,
            longest_s=settings.max_duration_s,
        )

    def connection_state(self, seat: Seat, now_s: float) -> ConnectionState:
        """Return how a taken seat's media does now."""
        if seat.state == "connecting":
            return "connecting"
        silent_s = seat.silence_s(now_s, HEARTBEAT_S)
        if silent_s >= self.lost_after_s:
            return "lost"
        if silent_s >= self.unstable_after_s:
            return "unstable"
        if seat.peer is None or (seat.state == "lost" and seat.peer.last_rtp_s is None):
            return seat.state
        return "connected"

    def grace_over(self, seat: Seat, now_s: float) -> bool:
        """Say whether an absent participant's seat is to be given up."""
        return seat.away_since_s is not None and now_s - seat.away_since_s >= self.grace_s

    def end_reason(self, now_s: float, empty_since_s: float | None, resumed: bool) -> EndReason | None:
        """Return why the consultation must end now, if it must.

        A room `resumed` after a restart to which nobody returns within the grace is abandoned.
        """
        if now_s >= self.longest_s:
            return "max_duration"
        empty_s = 0.0 if empty_since_s is None else now_s - empty_since_s
        if resumed and empty_s >= self.grace_s:
            return "abandoned"
        if empty_s >= self.idle_s:
            return "idle"
        return None


def consented(seats: dict[Role, Seat]) -> bool:
    """Both people have allowed recording and transcription."""
    return all(seat.consent is True for seat in seats.values())
