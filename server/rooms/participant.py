"""A seat: one of the two places in a consultation. It outlives sockets and peer connections."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from ..media.peer import Peer
from ..model.consultation import Role
from ..model.events import ConnectionState, Event
from .uplink import Uplink


class Connection(Protocol):
    """A browser's socket as a room sees it. Nothing here blocks or raises."""

    def deliver(self, sequence: int, event: Event) -> None:
        """Send an event (sequence 0: not replayed)."""

    def replaced(self) -> None:
        """Say that the same person sits elsewhere now, and close."""

    def over(self) -> None:
        """Say that the consultation is over, and close."""


@dataclass(slots=True, eq=False)
class Seat:
    """Who sits there, through which socket and which peer connection."""

    role: Role
    identity: str | None = None
    name: str = ""
    consent: bool | None = None
    consented_by: str | None = None
    consented_at_s: float = 0.0
    microphone: bool = False
    camera: bool = False
    screen: bool = False
    state: ConnectionState = "lost"
    bars: int | None = None
    """How its browser says its network does, 1 to 4; the other side is told by the room's next look."""
    told_bars: int | None = None
    told_bars_s: float = float("-inf")
    uplink: Uplink = field(default_factory=Uplink)
    connection: Connection | None = None
    peer: Peer | None = None
    peer_number: int = 0
    away_since_s: float | None = None
    heard_s: float = 0.0
    """Room time of the socket's newest message."""
    negotiating: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def taken(self) -> bool:
        """Somebody holds this seat, present or within the grace."""
        return self.identity is not None

    def vacate(self) -> Peer | None:
        """Empty the seat; return the peer to close. Consent stays on record."""
        peer, self.peer = self.peer, None
        self.identity = None
        self.connection = None
        self.away_since_s = None
        self.peer_number = 0
        self.microphone = self.camera = self.screen = False
        self.state = "lost"
        self.bars = self.told_bars = None
        self.uplink = Uplink()
        return peer

    def silence_s(self, now_s: float, heartbeat_s: float) -> float:
        """Return how long nothing has been heard of this seat that should have been.

        While something is being sent that is the age of the newest RTP packet; with everything switched
        off, or before the first packet, it is how late the socket's heartbeat is.
        """
        newest_s = self.peer.last_rtp_s if self.peer is not None else None
        if newest_s is not None and (self.microphone or self.camera or self.screen):
            return now_s - newest_s
        return max(0.0, now_s - self.heard_s - heartbeat_s)
