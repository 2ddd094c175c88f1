"""How long a socket may wait, how much it takes, and what it says when it closes because of an error."""

from __future__ import annotations

from ..model.errors import (
    ConsultationOver,
    EscutaError,
    Forbidden,
    InvalidRequest,
    NotFound,
    RoomFull,
    TooFrequent,
    Unauthorized,
)
from . import messages as m

JOIN_WITHIN_S = 10.0
CLOSE_WITHIN_S = 5.0
# Above our own limit, so that a message somewhat too large gets an answer instead of a closed socket.
SOCKET_LIMIT_BYTES = 1024 * 1024
CLOSE_CODES: tuple[tuple[type[EscutaError], int], ...] = (
    (Unauthorized, m.CloseCode.UNAUTHORIZED),
    (Forbidden, m.CloseCode.UNAUTHORIZED),
    (RoomFull, m.CloseCode.ROOM_FULL),
    (NotFound, m.CloseCode.NOT_FOUND),
    (ConsultationOver, m.CloseCode.CONSULTATION_OVER),
    (TooFrequent, m.CloseCode.TOO_FREQUENT),
    (InvalidRequest, m.CloseCode.PROTOCOL_ERROR),
)


def close_code(error: EscutaError) -> int:
    """Return the close code with which a socket ends because of `error`."""
    return next((code for kind, code in CLOSE_CODES if isinstance(error, kind)), m.CloseCode.UNAVAILABLE)


def error_message(error: EscutaError) -> m.ErrorMessage:
    """Return `error` as a message."""
    return m.ErrorMessage(code=error.code, message=str(error))
