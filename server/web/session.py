"""One browser in its seat: its messages become what its participant does."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import WSMsgType, web

from ..model.errors import EscutaError, InvalidMessage, TooFrequent
from ..rooms.participant import Connection, Seat
from ..rooms.seating import Seating
from ..rooms.watch import HEARTBEAT_MISSED_S
from . import messages as m
from .closing import error_message
from .outbox import Outbox
from .rates import MessageRate

log = structlog.get_logger()


class Session:
    """One browser in its seat."""

    def __init__(self, seating: Seating, seat: Seat, connection: Connection, outbox: Outbox) -> None:
        self._seating = seating
        self._seat = seat
        self._connection = connection
        self._outbox = outbox
        self._rate = MessageRate()

    async def converse(self, socket: web.WebSocketResponse) -> None:
        """Take messages until the socket closes, the seat is given up or another socket has it.

        Raises:
            TooFrequent: If the browser goes on sending too much after it was told.
        """
        while self._seat.connection is self._connection:
            try:
                async with asyncio.timeout(HEARTBEAT_MISSED_S):
                    received = await socket.receive()
            except TimeoutError:
                self._outbox.close(m.CloseCode.HEARTBEAT_MISSED, "heartbeat missed")
                return
            if received.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return
            if self._seat.connection is not self._connection:
                return
            self._seat.heard_s = self._seating.room.clock.now_s()
            try:
                self._rate.count()
                if received.type is not WSMsgType.TEXT:
                    raise InvalidMessage("Messages are JSON in text frames; this one was binary.")
                await self._act(m.parse(received.data))
            except TooFrequent as error:
                if self._rate.exhausted:
                    raise
                self._outbox.send(error_message(error))
            except EscutaError as error:
                self._outbox.send(error_message(error))
            except Exception as error:
                # A fault of ours with one message must not take the participant out of the call. Its text may be
                # what somebody typed, so only its kind is logged.
                log.error("signaling.message_failed", error=type(error).__name__)
                self._outbox.send(m.ErrorMessage(code="internal", message="The server could not handle that message."))

    async def _act(self, message: m.ClientMessage) -> None:
        seating, seat = self._seating, self._seat
        if not isinstance(message, m.Ping | m.Leave):
            seating.room.check_live()
        match message:
            case m.Ping(t=t):
                own, other = seating.uplink_losses(seat)
                self._outbox.send(m.Pong(t=t, room_s=seating.room.clock.now_s(), own_loss=own, other_loss=other))
            case m.Offer(connection=number, sdp=sdp):
                answer = await seating.room.crossing.answer(seat, number, sdp)
                self._outbox.send(m.Answer(connection=number, sdp=answer))
            case m.Candidate():
                await seating.room.crossing.add_candidate(
                    seat, message.connection, message.candidate, message.sdp_mid, message.sdp_m_line_index
                )
            case m.Media(microphone=microphone, camera=camera, screen=screen):
                seating.media(seat, microphone=microphone, camera=camera, screen=screen)
            case m.Quality(bars=bars):
                seat.bars = bars
            case m.Consent(granted=granted):
                seating.consent(seat, granted)
            case m.Chat(message_id=message_id, text=text):
                seating.chat(seat, message_id, text)
            case m.MarkTip(tip_id=tip_id, mark=mark):
                seating.room.advice.mark(seat.role, tip_id, mark)
            case m.ReleaseTip(tip_id=tip_id):
                seating.room.advice.release(seat.role, tip_id)
            case m.Ask(question_id=question_id, text=text):
                seating.room.advice.ask(seat.role, question_id, text)
            case m.Leave():
                seating.leave(seat)
                self._outbox.close(m.CloseCode.LEFT, "left")
            case m.End():
                seating.end(seat)
            case m.Join():
                raise InvalidMessage("You have joined already; a second join is not possible on this socket.")
