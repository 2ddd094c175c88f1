"""The packets last sent on one stream, for retransmission."""

from __future__ import annotations

from dataclasses import dataclass

from .rtp import RtpPacket, parse_rtp

CAPACITY = 1024
RESEND_INTERVAL_S = 0.02
MAX_RESENT_PER_S = 1000


@dataclass(slots=True)
class _Sent:
    sequence_number: int
    data: bytes
    resent_s: float = float("-inf")


class History:
    """A ring of the last `CAPACITY` sequence numbers sent; a power of two, so that it survives their wrap-around."""

    def __init__(self) -> None:
        self._ring: list[_Sent | None] = [None] * CAPACITY
        self._window_s = float("-inf")
        self._resent_in_window = 0

    def __contains__(self, sequence_number: int) -> bool:
        sent = self._ring[sequence_number % CAPACITY]
        return sent is not None and sent.sequence_number == sequence_number

    def keep(self, sequence_number: int, data: bytes) -> None:
        """Remember a packet just sent."""
        self._ring[sequence_number % CAPACITY] = _Sent(sequence_number, data)

    def resend(self, sequence_number: int, now_s: float) -> RtpPacket | None:
        """Return a packet to send again, or None if it was resent a moment ago or too much is asked for.

        Raises:
            KeyError: If it is not in the ring.
        """
        sent = self._ring[sequence_number % CAPACITY]
        if sent is None or sent.sequence_number != sequence_number:
            raise KeyError(sequence_number)
        if now_s - self._window_s >= 1.0:
            self._window_s, self._resent_in_window = now_s, 0
        if now_s - sent.resent_s < RESEND_INTERVAL_S or self._resent_in_window >= MAX_RESENT_PER_S:
            return None
        sent.resent_s = now_s
        self._resent_in_window += 1
        return parse_rtp(sent.data)
