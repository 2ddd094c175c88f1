"""Every error Escuta raises on purpose. `str(error)` is one sentence fit for a person.

EscutaError
├── InvalidSettings
├── Unauthorized             who are you?
├── Forbidden                you may not
├── NotFound
├── Conflict
│   ├── RoomFull
│   ├── ConsultationOver
│   └── DatabaseMismatch     made by another version of Escuta
├── InvalidRequest           what was sent cannot be used
│   ├── InvalidMessage
│   ├── InvalidOffer
│   └── TooFrequent
├── Unavailable              something we need is away; try again
│   ├── DatabaseUnavailable
│   ├── SpeechUnavailable
│   ├── ChatModelUnavailable
│   │   └── ChatModelDelayed
│   └── DiskFull
└── JournalUnreadable
"""

from __future__ import annotations

from typing import ClassVar


class EscutaError(Exception):
    """Something went wrong in Escuta."""

    code: ClassVar[str] = "internal"
    http_status: ClassVar[int] = 500

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or type(self).__name__).strip())


class InvalidSettings(EscutaError):
    """A setting has a value that cannot be used."""

    code = "invalid_settings"


class Unauthorized(EscutaError):
    """The token is missing, expired or not signed with this server's secret."""

    code = "unauthorized"
    http_status = 401


class Forbidden(EscutaError):
    """This token does not allow that."""

    code = "forbidden"
    http_status = 403


class NotFound(EscutaError):
    """There is nothing with that name here."""

    code = "not_found"
    http_status = 404


class Conflict(EscutaError):
    """That does not fit the present state."""

    code = "conflict"
    http_status = 409


class RoomFull(Conflict):
    """Both seats of this consultation are taken by other people."""

    code = "room_full"


class ConsultationOver(Conflict):
    """This consultation has ended."""

    code = "consultation_over"


class DatabaseMismatch(Conflict):
    """The database was made by another version of Escuta."""

    code = "database_mismatch"


class InvalidRequest(EscutaError):
    """What was sent cannot be used."""

    code = "invalid_request"
    http_status = 422


class InvalidMessage(InvalidRequest):
    """The message is not one of this protocol's."""

    code = "invalid_message"


class InvalidOffer(InvalidRequest):
    """The SDP offer cannot be answered."""

    code = "invalid_offer"


class TooFrequent(InvalidRequest):
    """Too many messages in a short time; slow down."""

    code = "too_frequent"
    http_status = 429


class Unavailable(EscutaError):
    """Something the server needs is away at the moment; try again."""

    code = "unavailable"
    http_status = 503


class DatabaseUnavailable(Unavailable):
    """The database does not answer at the moment; try again in a few seconds."""

    code = "database_unavailable"


class SpeechUnavailable(Unavailable):
    """Speech recognition is not running at the moment."""

    code = "speech_unavailable"


class ChatModelUnavailable(Unavailable):
    """The chat model does not answer at the moment."""

    code = "chat_model_unavailable"
    spent_tokens: int = 0
    """What it cost all the same, prompt and answer: of a request that brought nothing usable."""


class ChatModelDelayed(ChatModelUnavailable):
    """The chat model did not answer in time."""

    code = "chat_model_delayed"


class DiskFull(Unavailable):
    """Too little disk space is free to record."""

    code = "disk_full"


class JournalUnreadable(EscutaError):
    """The journal file is not one this version can read."""

    code = "journal_unreadable"
