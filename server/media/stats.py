"""What a peer has done, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KindStats:
    """One kind of media at one browser; `in` is what it sends. Bytes are of payload.

    `nacked` and `key_frame_requests` are what it was asked for, those with `out` what it asked for. `lost_in` never
    came here, not even again; `lost_out` is what it says it has lost; `missed` did not come the first time.
    """

    packets_in: int = 0
    bytes_in: int = 0
    retransmitted_in: int = 0
    ignored_in: int = 0
    packets_out: int = 0
    bytes_out: int = 0
    retransmitted_out: int = 0
    duplicates: int = 0
    no_codec: int = 0
    late: int = 0
    awaiting_key_frame: int = 0
    key_frame_requests: int = 0
    nacked: int = 0
    lost_in: int = 0
    lost_out: int = 0
    nacked_out: int = 0
    key_frame_requests_out: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True)
class PeerStats:
    """Counters of one peer since it began."""

    audio: KindStats = KindStats()
    video: KindStats = KindStats()
    malformed: int = 0
    unknown: int = 0
    listener_errors: int = 0
    hook_errors: int = 0
    send_errors: int = 0
    dropped_in: int = 0
    dropped_out: int = 0
