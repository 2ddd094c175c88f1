"""Taking a seat, coming back to it, giving it up; and what people in a seat do."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.consultation import Role
from ..model.errors import Forbidden, RoomFull, TooFrequent
from ..model.events import (
    ChatSent,
    ConsentChanged,
    Event,
    MediaChanged,
    ParticipantAway,
    ParticipantJoined,
    ParticipantLeft,
    QualityChanged,
)
from .participant import Connection, Seat
from .room import Room
from .watch import consented

CONSENT_REST_S = 2.0
QUALITY_REST_S = 2.0


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """Who wants which seat; `after` is the last event they have seen."""

    role: Role
    identity: str
    name: str
    consent: bool | None
    after: int = 0


@dataclass(frozen=True, slots=True)
class Greeting:
    """What somebody who has just sat down needs to know: the events they missed."""

    seat: Seat
    missed: list[tuple[int, Event]]


class Seating:
    """The people of one room."""

    def __init__(self, room: Room) -> None:
        self.room = room

    def join(self, request: JoinRequest, connection: Connection) -> Greeting:
        """Give `request.identity` its seat; somebody sitting there as the same person is replaced.

        The caller must greet before it yields to the event loop, and then call `announce`.

        Raises:
            ConsultationOver: If it has ended.
            RoomFull: If the seat is held by somebody else.
        """
        room = self.room
        room.check_live()
        seat = room.seats[request.role]
        if seat.identity not in (None, request.identity):
            raise RoomFull(f"The {request.role.value}'s seat is taken by another person.")
        if seat.connection is not None:
            seat.connection.replaced()
        seat.connection = connection
        return Greeting(seat=seat, missed=room.recent.after(request.after, request.role))

    def announce(self, seat: Seat, request: JoinRequest) -> None:
        """State that the person sits there now, and what they consent to."""
        room = self.room
        now_s = room.clock.now_s()
        returned = seat.taken
        if seat.consented_by != request.identity:
            # One person's consent is not another's.
            seat.consent, seat.consented_by = None, request.identity
        seat.identity, seat.name = request.identity, request.name
        seat.away_since_s = None
        seat.heard_s = now_s
        room.empty_since_s = None
        room.resumed = False
        if not returned:
            seat.state = "connecting"
        room.publish(
            ParticipantJoined(
                at_s=now_s, role=seat.role, identity=request.identity, name=request.name, returned=returned
            )
        )
        room.show_presence(seat)
        room.advice.met(seat.role, request.identity, request.name)
        if room.settings.consent == "external":
            self._consent(seat, True)
        elif request.consent is not None:
            self._consent(seat, request.consent)
        else:
            room.capture.follow(consented(room.seats))

    def consent(self, seat: Seat, granted: bool) -> None:
        """Note somebody's consent; recording and listening follow it.

        Raises:
            TooFrequent: If it is granted again right after it was changed; a withdrawal always counts.
        """
        rested_s = self.room.clock.now_s() - seat.consented_at_s
        if granted and seat.consent is False and rested_s < CONSENT_REST_S:
            raise TooFrequent("Consent was changed a moment ago: wait two seconds and allow it again.")
        self._consent(seat, granted)

    def _consent(self, seat: Seat, granted: bool) -> None:
        room = self.room
        mode = room.settings.consent
        granted = granted or mode == "external"
        if seat.consent != granted:
            seat.consent, seat.consented_at_s = granted, room.clock.now_s()
            room.publish(ConsentChanged(at_s=seat.consented_at_s, role=seat.role, granted=granted, mode=mode))
        room.capture.follow(consented(room.seats))

    def media(self, seat: Seat, *, microphone: bool, camera: bool, screen: bool) -> None:
        """Note what somebody sends."""
        if (seat.microphone, seat.camera, seat.screen) == (microphone, camera, screen):
            return
        seat.microphone, seat.camera, seat.screen = microphone, camera, screen
        self.room.publish(
            MediaChanged(
                at_s=self.room.clock.now_s(), role=seat.role, microphone=microphone, camera=camera, screen=screen
            )
        )

    def chat(self, seat: Seat, message_id: str, text: str) -> None:
        """Pass on what somebody typed."""
        self.room.publish(
            ChatSent(at_s=self.room.clock.now_s(), message_id=message_id, role=seat.role, name=seat.name, text=text)
        )

    def uplink_losses(self, seat: Seat) -> tuple[float | None, float | None]:
        """Return which share of what `seat` sends is lost on its way here, and of what the other sends."""
        if seat.peer is not None:
            seat.uplink.look(seat.peer.stats().video, self.room.clock.now_s())
        return seat.uplink.loss, self.room.seats[seat.role.other].uplink.loss

    def end(self, seat: Seat) -> None:
        """End for both.

        Raises:
            Forbidden: If it is not the clinician who asks.
        """
        if seat.role is not Role.CLINICIAN:
            raise Forbidden("Only the clinician can end the consultation for both; you can leave it.")
        self.room.end("ended_by_clinician", by=seat.role)

    def leave(self, seat: Seat) -> None:
        """Give the seat up at once."""
        if not self.room.over:
            self._vacate(seat, "left")

    def detach(self, seat: Seat, connection: Connection) -> None:
        """A socket is gone; if it was the seat's, the grace begins."""
        if seat.connection is not connection:
            return
        now_s = self.room.clock.now_s()
        seat.connection = None
        seat.away_since_s = now_s
        if seat.taken and not self.room.over:
            until_s = now_s + self.room.limits.grace_s
            self.room.publish(ParticipantAway(at_s=now_s, role=seat.role, kept_until_s=until_s))

    def look(self) -> None:
        """Act on silence, absence and length; called twice a second."""
        room = self.room
        now_s = room.clock.now_s()
        for seat in room.seats.values():
            if not seat.taken:
                continue
            room.set_state(seat, room.limits.connection_state(seat, now_s))
            self._tell_quality(seat, now_s)
            if room.limits.grace_over(seat, now_s):
                self._vacate(seat, "grace_expired")
        room.capture.check_disk()
        if any(seat.taken for seat in room.seats.values()):
            room.empty_since_s = None
        elif room.empty_since_s is None:
            room.empty_since_s = now_s
        reason = room.limits.end_reason(now_s, room.empty_since_s, room.resumed)
        if reason is not None:
            room.end(reason)

    def _tell_quality(self, seat: Seat, now_s: float) -> None:
        """Tell the other side how a seat's network does: the newest word, and not too often."""
        if seat.bars is None or seat.bars == seat.told_bars or now_s - seat.told_bars_s < QUALITY_REST_S:
            return
        seat.told_bars, seat.told_bars_s = seat.bars, now_s
        self.room.publish(QualityChanged(at_s=now_s, role=seat.role, bars=seat.bars))

    def _vacate(self, seat: Seat, reason: str) -> None:
        room = self.room
        room.publish(ParticipantLeft.model_validate({"at_s": room.clock.now_s(), "role": seat.role, "reason": reason}))
        peer = seat.vacate()
        room.crossing.release(seat, peer)
        room.show_presence(seat)
