"""How many packets of a stream never came: what its sequence numbers promise less what arrived (RFC 3550, A.3)."""

from __future__ import annotations


class Losses:
    """Of one inbound line, over all streams it had. A packet that comes late, or again, is not lost; one that comes
    twice is counted once more than it was promised.
    """

    def __init__(self) -> None:
        self._missing = 0
        self._before = 0
        self._highest: int | None = None

    @property
    def lost(self) -> int:
        """How many are missing by now."""
        return self._before + max(0, self._missing)

    def arrived(self, sequence_number: int) -> None:
        """Take the number of a packet that came."""
        ahead = 1 if self._highest is None else (sequence_number - self._highest) & 0xFFFF
        if ahead < 0x8000:
            self._highest = sequence_number
            self._missing += ahead - 1
        else:
            self._missing -= 1

    def advance(self, packets: int) -> None:
        """Take so many packets that came in sequence."""
        if self._highest is not None:
            self._highest = (self._highest + packets) & 0xFFFF

    def restart(self) -> None:
        """Another stream begins: its numbers are its own."""
        self._before, self._missing, self._highest = self.lost, 0, None
