"""How one stream arrives here, as a receiver report says it. Pure."""

from __future__ import annotations

from .rtcp import ReportBlock
from .rtp import unwrap

MAX_LOST = 0x7FFFFF


class Reception:
    """Counts one SSRC's packets. Source: RFC 3550, sections 6.4.1, A.3 and A.8."""

    def __init__(self, ssrc: int, clock_hz: int, sequence_number: int) -> None:
        self.ssrc = ssrc
        self._clock_hz = clock_hz
        self._first = self._highest = sequence_number
        self._received = 0
        self._expected_before = self._received_before = 0
        self._transit: int | None = None
        self._jitter = 0.0
        self._report: tuple[int, float] | None = None

    def arrived(self, sequence_number: int, timestamp: int, now_s: float) -> None:
        """Take a packet."""
        number = unwrap(sequence_number, self._highest)
        self._received += 1
        if number <= self._highest and self._received > 1:
            return
        self._highest = number
        transit = (round(now_s * self._clock_hz) - timestamp) & 0xFFFFFFFF
        if self._transit is not None:
            change = (transit - self._transit) & 0xFFFFFFFF
            self._jitter += (min(change, (1 << 32) - change) - self._jitter) / 16
        self._transit = transit

    def sender_report(self, ntp: int, now_s: float) -> None:
        """Take the NTP time of a sender report; the next blocks answer it, so that the sender knows its round trip."""
        self._report = (ntp >> 16 & 0xFFFFFFFF, now_s)

    def block(self, now_s: float) -> ReportBlock:
        """Return the report on everything since the last one."""
        expected = self._highest - self._first + 1
        lost = max(-MAX_LOST, min(MAX_LOST, expected - self._received))
        expected_now = expected - self._expected_before
        lost_now = expected_now - (self._received - self._received_before)
        fraction = min(255, 256 * lost_now // expected_now) if expected_now > 0 and lost_now > 0 else 0
        self._expected_before, self._received_before = expected, self._received
        last_sr, delay = 0, 0
        if self._report is not None:
            last_sr, delay = self._report[0], min(0xFFFFFFFF, round((now_s - self._report[1]) * 65_536))
        return ReportBlock(
            ssrc=self.ssrc,
            lost=fraction << 24 | lost & 0xFFFFFF,
            highest_sequence=self._highest & 0xFFFFFFFF,
            jitter=min(0xFFFFFFFF, round(self._jitter)),
            last_sr=last_sr,
            delay_since_last_sr=delay,
        )
