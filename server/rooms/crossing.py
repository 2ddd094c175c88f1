"""Where the two peers meet: negotiation, and what goes from one to the other."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Literal

from ..media.peer import Peer, PeerListener
from ..model.audio import OpusPacket, SenderReport
from ..model.consultation import Role
from ..model.errors import ConsultationOver, InvalidRequest
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
        aside: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._seats = seats
        self._capture = capture
        self._create_peer = create_peer
        self._on_state = on_state
        self._aside = aside
        self._offered_by: dict[Role, Connection | None] = {}
        self._closed = False

    async def answer(self, seat: Seat, number: int, sdp: str) -> str:
        """Answer a browser's offer, with a new peer unless it renegotiates the present one.

        Raises:
            InvalidOffer: If the offer cannot be answered; the seat keeps the peer it has.
            InvalidRequest: If the seat was given up or taken over meanwhile.
            ConsultationOver: If the consultation ended meanwhile.
        """
        connection = seat.connection
        async with seat.negotiating:
            self._check_still(seat, connection)
            same = seat.peer_number == number and self._offered_by.get(seat.role) is connection
            if seat.peer is not None and same:
                return await seat.peer.answer(sdp)
            ear = Ear(seat, self._capture, self._on_state)
            peer = self._create_peer(ear)
            ear.peer = peer
            try:
                answer = await peer.answer(sdp)
                self._check_still(seat, connection)
            except BaseException:
                await peer.close()
                raise
            self._seat_peer(seat, number, peer)
            return answer

    async def add_candidate(self, seat: Seat, number: int, candidate: str, mid: str | None, line: int | None) -> None:
        """Pass a trickled candidate to the peer it is meant for; one for another peer is out of date.

        Raises:
            InvalidRequest: If it is not an ICE candidate.
        """
        if seat.peer is not None and seat.peer_number == number:
            await seat.peer.add_candidate(candidate, mid, line)

    def close(self) -> None:
        """Close both peers beside the call, and seat no more."""
        self._closed = True
        for seat in self._seats.values():
            peer, seat.peer = seat.peer, None
            self.release(seat, peer)

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

    def _check_still(self, seat: Seat, connection: Connection | None) -> None:
        if self._closed:
            raise ConsultationOver
        if connection is None or seat.connection is not connection:
            raise InvalidRequest("The seat was given up or taken over while the connection was made; join again.")

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
