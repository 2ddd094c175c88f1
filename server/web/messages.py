"""The socket's messages, version 1. `docs/protocol.md` explains them; `parse` reads one."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ..model.consultation import ConsentMode, Consultation, Frozen, PersonName, Role
from ..model.errors import InvalidMessage
from ..model.events import AnyEvent, Bars, ConnectionState
from ..model.insight import TipMark

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 64 * 1024


class CloseCode:
    """Why the server closed a socket."""

    SERVER_STOPPING = 1001
    PROTOCOL_ERROR = 4000
    REPLACED = 4001
    UNAUTHORIZED = 4002
    ROOM_FULL = 4003
    NOT_FOUND = 4004
    CONSULTATION_OVER = 4005
    LEFT = 4006
    UNAVAILABLE = 4007
    HEARTBEAT_MISSED = 4008
    TOO_FREQUENT = 4009


# From the browser


class Join(Frozen):
    """Must come first, within 10 seconds. `after` is the last event seen before a reconnect (0: none)."""

    type: Literal["join"]
    v: Literal[1] = 1
    token: str = Field(min_length=1, max_length=4096)
    name: PersonName | None = None
    consent: bool | None = None
    after: int = Field(default=0, ge=0)


class Offer(Frozen):
    """The browser's SDP. A new `connection` number means a new RTCPeerConnection in the same seat."""

    type: Literal["offer"]
    connection: int = Field(ge=1)
    sdp: str = Field(min_length=1, max_length=60_000)


class Candidate(Frozen):
    """A trickled ICE candidate; an empty `candidate` ends them."""

    type: Literal["candidate"]
    connection: int = Field(ge=1)
    candidate: str = Field(max_length=1024)
    sdp_mid: str | None = Field(default=None, max_length=64)
    sdp_m_line_index: int | None = Field(default=None, ge=0, le=15)


class Media(Frozen):
    """What the browser sends at present."""

    type: Literal["media"]
    microphone: bool
    camera: bool
    screen: bool = False


class Quality(Frozen):
    """How well the browser's network carries the call: 1 (bad) to 4 (excellent)."""

    type: Literal["quality"]
    bars: Bars


class Consent(Frozen):
    """Allow, refuse or withdraw recording and transcription."""

    type: Literal["consent"]
    granted: bool


class Chat(Frozen):
    """Text for both."""

    type: Literal["chat"]
    message_id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")
    text: str = Field(min_length=1, max_length=4000)


class MarkTip(Frozen):
    """What the reader did with a tip."""

    type: Literal["mark_tip"]
    tip_id: str = Field(min_length=1, max_length=64)
    mark: TipMark


class ReleaseTip(Frozen):
    """Let the patient have an explanation; the clinician's alone."""

    type: Literal["release_tip"]
    tip_id: str = Field(min_length=1, max_length=64)


class Ask(Frozen):
    """A question about this consultation; the clinician's alone."""

    type: Literal["ask"]
    question_id: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")
    text: str = Field(min_length=1, max_length=500)


class Leave(Frozen):
    """Give up the seat."""

    type: Literal["leave"]


class End(Frozen):
    """End the consultation for both; the clinician's alone."""

    type: Literal["end"]


class Ping(Frozen):
    """Heartbeat, at least every `heartbeat_s` of the welcome."""

    type: Literal["ping"]
    t: float = 0.0


ClientMessage = (
    Join | Offer | Candidate | Media | Quality | Consent | Chat | MarkTip | ReleaseTip | Ask | Leave | End | Ping
)
AnyClientMessage = Annotated[ClientMessage, Field(discriminator="type")]
client_adapter: TypeAdapter[ClientMessage] = TypeAdapter(AnyClientMessage)


# From the server


class IceServer(Frozen):
    """As RTCIceServer; TURN credentials are short-lived."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


class Seat(Frozen):
    """Who sits in a seat, and how their media does. `kept_until_s`: they are away, and until when it is theirs."""

    role: Role
    identity: str
    name: str
    connection: ConnectionState
    bars: Bars | None = None
    kept_until_s: float | None = None
    consent: bool | None
    microphone: bool
    camera: bool
    screen: bool


class Welcome(Frozen):
    """The seat is yours. Events after `Join.after` follow, then live ones.

    `voices_go_to` names the service elsewhere that recognises speech; null where voices stay on this server.
    """

    type: Literal["welcome"] = "welcome"
    v: Literal[1] = 1
    role: Role
    identity: str
    name: str
    consultation: Consultation
    seats: tuple[Seat, ...]
    room_s: float
    recording: bool
    consent_mode: ConsentMode
    voices_go_to: str | None = None
    ice_servers: tuple[IceServer, ...]
    heartbeat_s: float
    grace_s: float
    sequence: int


class Answer(Frozen):
    """The server's SDP for the offer of that `connection`; carries all its candidates."""

    type: Literal["answer"] = "answer"
    connection: int
    sdp: str


class EventMessage(Frozen):
    """Something happened. `sequence` rises by one a durable event; 0 on what is not replayed."""

    type: Literal["event"] = "event"
    sequence: int
    event: AnyEvent


class ErrorMessage(Frozen):
    """Something sent could not be used; `code` is for programs, `message` for people."""

    type: Literal["error"] = "error"
    code: str
    message: str


class Replaced(Frozen):
    """The same person took this seat from elsewhere; the socket closes with 4001."""

    type: Literal["replaced"] = "replaced"


class Pong(Frozen):
    """Heartbeat's answer, with the room time.

    Of what each participant sends, a share is lost on its way here (0 to 1): only the server can tell the two apart.
    """

    type: Literal["pong"] = "pong"
    t: float
    room_s: float
    own_loss: float | None = None
    other_loss: float | None = None


ServerMessage = Welcome | Answer | EventMessage | ErrorMessage | Replaced | Pong
AnyServerMessage = Annotated[ServerMessage, Field(discriminator="type")]
server_adapter: TypeAdapter[ServerMessage] = TypeAdapter(AnyServerMessage)


def parse(text: str) -> ClientMessage:
    """Read one message.

    Raises:
        InvalidMessage: If it is not JSON, of no known type, has a wrong field, or exceeds 64 KiB.
    """
    if len(text) > MAX_MESSAGE_BYTES or len(text.encode("utf-8", "replace")) > MAX_MESSAGE_BYTES:
        raise InvalidMessage(f"The message has more than {MAX_MESSAGE_BYTES} bytes; send a smaller one.")
    try:
        return client_adapter.validate_python(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise InvalidMessage(_explain(error)) from error


def _explain(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "message"
        return f"The message cannot be used: {where}: {first['msg']}."
    return "The message is not JSON."
