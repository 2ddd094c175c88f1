"""What a publisher is told while nobody listens: how it arrives here, and to send little. Pure.

With a listener its own reports are passed on instead; without reports a browser goes on sending all it ever did.
"""

from __future__ import annotations

from .description import CLOCK_HZ, Kind
from .reception import Reception
from .rtcp import MaximumBitrate, write_receiver_report, write_remb

REPORT_EVERY_S = 1.0
FORGET_AFTER_S = 2.0
VIDEO_BPS = 300_000
"""What Chromium starts a call with: less would make the picture worse when the other comes than in a new call."""


class Alone:
    """Of one publisher. Nothing runs: what is due leaves with the packets that come."""

    def __init__(self) -> None:
        self._receptions: dict[Kind, Reception] = {}
        self._reported_s = float("-inf")
        self._heard_s = float("-inf")

    def heard(self, kind: Kind, ssrc: int, numbers: tuple[int, int], now_s: float) -> None:
        """Take a packet that nobody else takes; `numbers` are its sequence number and timestamp."""
        if now_s - self._heard_s > FORGET_AFTER_S:
            self._receptions.clear()
            self._reported_s = now_s
        self._heard_s = now_s
        reception = self._receptions.get(kind)
        if reception is None or reception.ssrc != ssrc:
            reception = self._receptions[kind] = Reception(ssrc, CLOCK_HZ[kind], numbers[0])
        reception.arrived(*numbers, now_s)

    def sender_report(self, ssrc: int, ntp: int, now_s: float) -> None:
        """Take a sender report of the publisher."""
        for reception in self._receptions.values():
            if reception.ssrc == ssrc:
                reception.sender_report(ntp, now_s)

    def due(self, our_ssrc: int, now_s: float) -> bytes | None:
        """Return the reports, once a second; `our_ssrc` is whom the publisher knows feedback by."""
        if now_s - self._reported_s < REPORT_EVERY_S or not self._receptions:
            return None
        self._reported_s = now_s
        told = write_receiver_report(our_ssrc, tuple(one.block(now_s) for one in self._receptions.values()))
        video = self._receptions.get("video")
        return told + write_remb(our_ssrc, _remb(VIDEO_BPS, (video.ssrc,))) if video is not None else told


def _remb(bps: int, ssrcs: tuple[int, ...]) -> MaximumBitrate:
    exponent = max(0, bps.bit_length() - 18)
    return MaximumBitrate(exponent, bps >> exponent, ssrcs)
