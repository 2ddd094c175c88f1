"""What a wire tells of itself, and whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WireHooks:
    """Whom a wire tells; called on the event loop. What they raise is counted and goes no further.

    Of RTP, `on_rtp` gets the length of the packet that lies in `packet_buffer()`, and returns True if it was only
    passed on.
    """

    on_rtp: Callable[[int], bool]
    on_rtcp: Callable[[bytes], None]


@dataclass(slots=True)
class WireCounters:
    """What went wrong between socket and hooks."""

    hook_errors: int = 0
    send_errors: int = 0
    dropped_in: int = 0
    dropped_out: int = 0
