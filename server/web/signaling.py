"""The socket: one browser's messages in, its room's events out. The handler owns nothing of the room."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import structlog
from aiohttp import WSMsgType, web

from ..media.ice import ice_servers
from ..model.consultation import Role
from ..model.errors import (
    EscutaError,
    Forbidden,
    InvalidMessage,
)
from ..model.events import Event, SidecarStateChanged
from ..rooms.participant import Connection, Seat
from ..rooms.registry import Registry
from ..rooms.seating import JoinRequest, Seating
from ..rooms.watch import HEARTBEAT_S
from ..settings import Settings
from ..speech.elsewhere import voices_go_to
from . import messages as m
from .auth import TokenAuthority
from .closing import CLOSE_WITHIN_S, JOIN_WITHIN_S, SOCKET_LIMIT_BYTES, close_code, error_message
from .origins import check_origin
from .outbox import Outbox
from .session import Session

log = structlog.get_logger()


class BrowserConnection:
    """A browser as its room sees it."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def deliver(self, sequence: int, event: Event) -> None:
        """Send an event."""
        self._outbox.send(m.EventMessage(sequence=sequence, event=event))

    def replaced(self) -> None:
        """Say so and close."""
        self._outbox.send(m.Replaced())
        self._outbox.close(m.CloseCode.REPLACED, "replaced")

    def over(self) -> None:
        """Close."""
        self._outbox.close(m.CloseCode.CONSULTATION_OVER, "consultation over")


class Signaling:
    """Serves `GET /ws`."""

    def __init__(self, registry: Registry, authority: TokenAuthority, settings: Settings) -> None:
        self._registry = registry
        self._authority = authority
        self._settings = settings
        self._outboxes: set[Outbox] = set()
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def open_sockets(self) -> int:
        """How many browsers are connected."""
        return len(self._outboxes)

    async def close(self) -> None:
        """Tell every browser still here that the server is going away, and let them have what waits for them."""
        for outbox in self._outboxes:
            outbox.close(m.CloseCode.SERVER_STOPPING, "server stopping")
        if self._sending:
            await asyncio.wait(self._sending, timeout=CLOSE_WITHIN_S)

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one browser until its socket closes.

        Raises:
            Forbidden: If a page of another origin opens the socket.
        """
        check_origin(request, self._settings)
        socket = web.WebSocketResponse(max_msg_size=SOCKET_LIMIT_BYTES, compress=False)
        outbox = Outbox(socket)
        self._outboxes.add(outbox)
        try:
            await socket.prepare(request)
        except BaseException:
            self._outboxes.discard(outbox)
            raise
        sending = asyncio.create_task(outbox.run())
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)
        try:
            await self._serve(socket, outbox)
        except EscutaError as error:
            outbox.send(error_message(error))
            outbox.close(close_code(error), error.code)
        except Exception as error:
            log.error("signaling.failed", error=type(error).__name__)
            outbox.send(m.ErrorMessage(code="internal", message="The server could not let you in; try again."))
            outbox.close(m.CloseCode.UNAVAILABLE, "internal")
        finally:
            outbox.close(m.CloseCode.LEFT, "left")
            self._outboxes.discard(outbox)
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await sending
        return socket

    async def _serve(self, socket: web.WebSocketResponse, outbox: Outbox) -> None:
        join = await self._first_message(socket)
        claims = self._authority.verify(join.token)
        if claims.role not in ("clinician", "patient") or claims.consultation_id is None:
            raise Forbidden("This token is for the API; join with a clinician's or a patient's token.")
        seating = await self._registry.seating(claims.consultation_id)
        request = JoinRequest(Role(claims.role), claims.identity, join.name or claims.name, join.consent, join.after)
        connection = BrowserConnection(outbox)
        greeting = seating.join(request, connection)
        outbox.send(self._welcome(seating, greeting.seat, request))
        for sequence, event in greeting.missed:
            connection.deliver(sequence, event)
        session = Session(seating, greeting.seat, connection, outbox)
        try:
            seating.announce(greeting.seat, request)
            self._tell_speech_state(seating, connection)
            await session.converse(socket)
        finally:
            seating.detach(greeting.seat, connection)

    async def _first_message(self, socket: web.WebSocketResponse) -> m.Join:
        try:
            async with asyncio.timeout(JOIN_WITHIN_S):
                received = await socket.receive()
        except TimeoutError as error:
            raise InvalidMessage(f"No join message came within {JOIN_WITHIN_S:.0f} s.") from error
        if received.type is not WSMsgType.TEXT:
            raise InvalidMessage("The first message must be a join message in text.")
        message = m.parse(received.data)
        if not isinstance(message, m.Join):
            raise InvalidMessage(f"The first message must be join, not {message.type}.")
        return message

    def _welcome(self, seating: Seating, seat: Seat, request: JoinRequest) -> m.Welcome:
        room = seating.room
        grants = ice_servers(self._settings, request.identity, time.time())
        return m.Welcome(
            role=seat.role,
            identity=request.identity,
            name=request.name,
            consultation=room.consultation,
            seats=tuple(
                _seat(other, room.limits.grace_s) for other in room.seats.values() if other.identity is not None
            ),
            room_s=room.clock.now_s(),
            recording=room.capture.recording,
            consent_mode=self._settings.consent,
            voices_go_to=voices_go_to(room.capture.provider, self._settings),
            ice_servers=tuple(
                m.IceServer(urls=grant.urls, username=grant.username, credential=grant.credential) for grant in grants
            ),
            heartbeat_s=HEARTBEAT_S,
            grace_s=self._settings.reconnect_grace_s,
            sequence=room.recent.sequence,
        )

    def _tell_speech_state(self, seating: Seating, connection: Connection) -> None:
        state = self._registry.speech_state()
        if state.state != "ok":
            now_s = seating.room.clock.now_s()
            connection.deliver(0, SidecarStateChanged(at_s=now_s, sidecar="speech", state=state.state))


def _seat(seat: Seat, grace_s: float) -> m.Seat:
    return m.Seat(
        role=seat.role,
        identity=seat.identity or "",
        name=seat.name,
        connection=seat.state,
        bars=seat.bars,
        kept_until_s=None if seat.away_since_s is None else seat.away_since_s + grace_s,
        consent=seat.consent,
        microphone=seat.microphone,
        camera=seat.camera,
        screen=seat.screen,
    )
