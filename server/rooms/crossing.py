"""Where the two peers meet: negotiation, and what goes from one to the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from ..media.peer import Peer, PeerListener
from ..model.audio import OpusPacket, SenderReport
from ..model.consultation import Role
from ..model.errors import InvalidRequest
from .capture import Capture
from .participant import Connection, Seat

PeerState = Literal["connecting", "connected", "failed", "closed"]


class Ear:
    """Hears one peer for as long as it is its seat's peer."""

    def __init__(self, seat: Seat, capture: Capture, on_state: Callable[[Seat, PeerState], None]) -> None:
        self.peer: Peer | None = None
        self._seat = seat
        self._capture = capture
        self._on_state = on_state

    @property
    def current(self) -> bool:
        """This is still the peer of the seat."""
        return self.peer is not None and self._seat.peer is self.peer

    def on_audio(self, packet: OpusPacket) -> None:
        """Keep and hear a packet."""
        if self.current:
            self._capture.heard(self._seat.role, packet)

    def on_sender_report(self, report: SenderReport) -> None:
        """Keep a sender report."""
        if self.current:
            self._capture.reported(self._seat.role, report)

    def on_connection_state(self, state: PeerState) -> None:
        """Pass the state on."""
        if self.current:
            self._on_state(self._seat, state)


class Crossing:
    """Both seats' peer connections, and the crossing of their media."""

    def __init__(
        self,
        seats: dict[Role, Seat],
        capture: Capture,
        create_peer: Callable[[PeerListener], Peer],
        on_state: Callable[[Seat, PeerState], None],
        aside: Callable[[Awaitable[None]], None],
    ) -> None:
        self._seats = seats
        self._capture = capture
        self._create_peer = create_peer
        self._on_state = on_state
        self._aside = aside
        self._offered_by: dict[Role, Connection | None] = {}

    async def answer(self, seat: Seat, number: int, sdp: str) -> str:
        """Answer a browser's offer, with a new peer unless it renegotiates the present one.

        Raises:
            InvalidOffer: If the offer cannot be answered; the seat keeps the peer it has.
        """
        async with seat.negotiating:
            same = seat.peer_number == number and self._offered_by.get(seat.role) is seat.connection
            if seat.peer is not None and same:
                return await seat.peer.answer(sdp)
            ear = Ear(seat, self._capture, self._on_state)
            peer = self._create_peer(ear)
            ear.peer = peer
            identity = seat.identity
            try:
                answer = await peer.answer(sdp)
            except BaseException:
                await peer.close()
                raise
            if seat.identity is None or seat.identity != identity:
                await peer.close()
                raise InvalidRequest("The seat was given up while the connection was being made; join again.")
            self._seat_peer(seat, number, peer)
            return answer

    async def add_candidate(self, seat: Seat, number: int, candidate: str, mid: str | None, line: int | None) -> None:
        """Pass a trickled candidate to the peer it is meant for; one for another peer is out of date.

        Raises:
            InvalidRequest: If it is not an ICE candidate.
        """
        if seat.peer is not None and seat.peer_number == number:
            await seat.peer.add_candidate(candidate, mid, line)

    def release(self, seat: Seat, peer: Peer | None) -> None:
        """Take a peer out of the crossing and close it beside the call."""
        if peer is None:
            return
        self._offered_by.pop(seat.role, None)
        other = self._seats[seat.role.other].peer
        if other is not None and seat.peer is None:
            other.listen_to(None)
        peer.listen_to(None)
        self._aside(peer.close())

    def _seat_peer(self, seat: Seat, number: int, peer: Peer) -> None:
        old, seat.peer = seat.peer, peer
        seat.peer_number = number
        self._offered_by[seat.role] = seat.connection
        self._capture.mark_connection(seat.role)
        other = self._seats[seat.role.other].peer
        if other is not None:
            peer.listen_to(other)
            other.listen_to(peer)
        if old is not None:
            old.listen_to(None)
            self._aside(old.close())
