"""The packets last sent on one stream, for retransmission."""

from __future__ import annotations

from .rtp import RtpPacket, parse_rtp

CAPACITY = 1024
RESEND_INTERVAL_S = 0.02
MAX_RESENT_PER_S = 1000


class History:
    """A ring of the last `CAPACITY` sequence numbers sent; a power of two, so that it survives their wrap-around."""

    def __init__(self) -> None:
        self._ring: list[bytes | None] = [None] * CAPACITY
        self._resent_s: dict[int, float] = {}
        self._window_s = float("-inf")
        self._resent_in_window = 0

    def __contains__(self, sequence_number: int) -> bool:
        return self._sent(sequence_number) is not None

    def keep(self, sequence_number: int, data: bytes) -> None:
        """Remember a packet just sent."""
        self._ring[sequence_number % CAPACITY] = data

    def resend(self, sequence_number: int, now_s: float) -> RtpPacket | None:
        """Return a packet to send again, or None if it was resent a moment ago or too much is asked for.

        Raises:
            KeyError: If it is not in the ring.
        """
        sent = self._sent(sequence_number)
        if sent is None:
            raise KeyError(sequence_number)
        if now_s - self._window_s >= 1.0:
            self._window_s, self._resent_in_window = now_s, 0
            self._resent_s = {n: at_s for n, at_s in self._resent_s.items() if now_s - at_s < RESEND_INTERVAL_S}
        just_now = now_s - self._resent_s.get(sequence_number, float("-inf")) < RESEND_INTERVAL_S
        if just_now or self._resent_in_window >= MAX_RESENT_PER_S:
            return None
        self._resent_s[sequence_number] = now_s
        self._resent_in_window += 1
        return parse_rtp(sent)

    def _sent(self, sequence_number: int) -> bytes | None:
        sent = self._ring[sequence_number % CAPACITY]
        return sent if sent is not None and int.from_bytes(sent[2:4], "big") == sequence_number else None
