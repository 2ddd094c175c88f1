"""RTP time to room time, live: when did the first sample of this packet sound?

A sender's clock and ours start anywhere and drift apart; the network only ever adds delay. So the smallest
(arrival - RTP time) of the last seconds is the offset between the clocks, plus the shortest way there.
"""

from __future__ import annotations

from collections import deque

from .audio import OPUS_CLOCK_HZ

PACKET_S = 0.02
"""What a packet lasts when nobody says: it cannot leave before its last sample was heard."""

WINDOW_S = 10.0
"""How long a smallest delay counts. Clocks 500 ppm apart drift by 5 ms meanwhile."""

LATEST_S = 5.0
"""Later than this is not the network: the sender's clock stood still, or began anew."""

STALL_S = 0.15
STALL_PROOF_S = 1.0
"""Every packet of so long a stretch came later than that: the sender's clock stood still for a moment."""

_HALF = 1 << 31
_WHOLE = 1 << 32


class TimestampUnwrapper:
    """32 bit RTP timestamps to a line that never wraps; late packets get their earlier place."""

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, timestamp: int) -> int:
        """Return the ticks on the line, within half a turn of the packet before."""
        if self._last is None:
            self._last = timestamp
        else:
            self._last = self.nearest(timestamp)
        return self._last

    def nearest(self, timestamp: int) -> int:
        """Return the ticks on the line without counting them as the newest."""
        if self._last is None:
            return timestamp
        return self._last + (timestamp - self._last + _HALF) % _WHOLE - _HALF


class RtpTimeline:
    """The room times of one stream: make a new one for each connection and SSRC.

    Robust against wrap-around, jitter, loss, reordering, drift, and senders whose clock stops while they send
    nothing (found at once above 5 s, within about a second above 150 ms, else within 10 s). Never later than
    arrival allows; successive times may step back by as much as the delay became better known.

    Source: windowed minimum of one-way delay, as in RFC 3550 appendix A.8's interarrival terms.
    """

    def __init__(self) -> None:
        self._unwrapper = TimestampUnwrapper()
        self._floor: deque[tuple[float, float]] = deque()
        self._late: deque[tuple[float, float]] = deque()
        self._late_since_s = 0.0
        self._newest_s = float("-inf")

    def observe(self, timestamp: int, arrival_s: float, duration_s: float = PACKET_S) -> float:
        """Return the room time, in seconds, of the first sample of a packet that arrived at `arrival_s`.

        `duration_s` is what the packet lasts: its last sample sounded before it could be sent.
        """
        self._newest_s = max(self._newest_s, arrival_s)
        rtp_s = self._unwrapper.unwrap(timestamp) / OPUS_CLOCK_HZ
        offset_s = arrival_s - duration_s - rtp_s
        if self._floor and offset_s - self._floor[0][1] > LATEST_S:
            self._floor.clear()
        _push(self._floor, self._newest_s, offset_s, WINDOW_S)
        self._notice_stall(offset_s)
        return rtp_s + self._floor[0][1]

    def _notice_stall(self, offset_s: float) -> None:
        if offset_s - self._floor[0][1] <= STALL_S:
            self._late.clear()
            return
        if not self._late:
            self._late_since_s = self._newest_s
        _push(self._late, self._newest_s, offset_s, STALL_PROOF_S)
        if self._newest_s - self._late_since_s >= STALL_PROOF_S:
            self._floor, self._late = self._late, deque()


def _push(window: deque[tuple[float, float]], now_s: float, value: float, length_s: float) -> None:
    """Add to a window whose first entry is its minimum; entries are (time, value), rising in both."""
    while window and window[-1][1] >= value:
        window.pop()
    window.append((now_s, value))
    while window[0][0] < now_s - length_s:
        window.popleft()
