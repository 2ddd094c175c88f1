"""One inbound stream to one outbound stream: SSRC, payload type, sequence, timestamp and extension rewriting.

Pure: no clock, no socket. Payload bytes are never changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from .description import ABS_SEND_TIME, AUDIO_LEVEL, CLOCK_HZ, MID, MediaLine
from .keyframe import starts_key_frame
from .rtp import RtpPacket, unwrap

Source = tuple[int, int]
"""Which stream of which connection: a number of the peer, and the SSRC there."""

LEAST_STEP_S = 0.01


class Continuity:
    """Keeps sequence numbers and timestamps of one outbound stream continuous while its sources change.

    Within a source, gaps and reordering are kept as they are, so that the receiver sees the true loss. A new source
    continues at the highest number sent plus one, its timestamp advanced by the time that passed.
    """

    def __init__(self, clock_hz: int, first_sequence: int, first_timestamp: int) -> None:
        self._clock_hz = clock_hz
        self._highest_out = first_sequence - 1
        self._newest_timestamp = first_timestamp
        self._newest_s: float | None = None
        self._first_in = 0
        self._highest_in = 0
        self._sequence_offset = 0
        self._timestamp_offset = 0

    def switch(self, sequence_number: int, timestamp: int, now_s: float) -> None:
        """Begin with the next source; this is its first packet."""
        self._first_in = self._highest_in = sequence_number
        self._sequence_offset = self._highest_out + 1 - sequence_number
        step = 0
        if self._newest_s is not None:
            step = round(max(LEAST_STEP_S, now_s - self._newest_s) * self._clock_hz)
        self._timestamp_offset = self._newest_timestamp + step - timestamp

    def rewrite(self, sequence_number: int, timestamp: int, now_s: float) -> tuple[int, int] | None:
        """Return the outbound (sequence number, timestamp).

        None for a packet older than the first of its source: its number belongs to the source before.
        """
        number = unwrap(sequence_number, self._highest_in)
        if number < self._first_in:
            return None
        out = number + self._sequence_offset
        out_timestamp = self.timestamp(timestamp)
        if number >= self._highest_in:
            self._highest_in = number
            self._highest_out = max(self._highest_out, out)
            self._newest_timestamp, self._newest_s = out_timestamp, now_s
        return out & 0xFFFF, out_timestamp

    def follow(self, sequence_number: int, timestamp: int, now_s: float) -> tuple[int, int] | None:
        """Return what `rewrite` would for the packet next to the newest; None, and nothing changed, for any other."""
        number = self._highest_in + 1
        if sequence_number != number & 0xFFFF:
            return None
        self._highest_in = number
        self._highest_out = out = number + self._sequence_offset
        self._newest_timestamp = out_timestamp = (timestamp + self._timestamp_offset) & 0xFFFFFFFF
        self._newest_s = now_s
        return out & 0xFFFF, out_timestamp

    def timestamp(self, timestamp: int) -> int:
        """Return the outbound timestamp for one of the present source."""
        return (timestamp + self._timestamp_offset) & 0xFFFFFFFF

    def inbound_sequence(self, sequence_number: int) -> int | None:
        """Return the present source's number for an outbound one; None if an earlier source sent it, or nobody yet."""
        number = unwrap(sequence_number, self._highest_out) - self._sequence_offset
        if not self._first_in <= number <= self._highest_in:
            return None
        return number & 0xFFFF

    def inbound_extended(self, highest: int) -> int:
        """Return a report's extended highest sequence number in the source's numbers; differences are what counts."""
        return (highest - self._sequence_offset) & 0xFFFFFFFF


@dataclass(slots=True)
class ForwarderCounters:
    """Why packets were not passed on."""

    no_codec: int = 0
    late: int = 0
    awaiting_key_frame: int = 0


class Forwarder:
    """Rewrites packets for one outbound media line.

    A new video source starts with a key frame: what comes before it could not be shown.
    """

    def __init__(self, line: MediaLine, first_sequence: int | None = None, first_timestamp: int | None = None) -> None:
        self.source: Source | None = None
        self.counters = ForwarderCounters()
        # Below 32768, lest a loss before the first packet arrives be taken for a wrap-around by SRTP.
        first_sequence = secrets.randbelow(1 << 15) if first_sequence is None else first_sequence
        first_timestamp = secrets.randbits(32) if first_timestamp is None else first_timestamp
        self.continuity = Continuity(CLOCK_HZ[line.kind], first_sequence, first_timestamp)
        self.agree(line)

    def agree(self, line: MediaLine) -> None:
        """Go on with what a negotiation agreed on."""
        self.line = line
        self.ssrc = line.ssrcs[0]
        self.mid = line.mid.encode()
        self.extension_ids = {uri: identifier for identifier, uri in line.extensions.items()}
        self._payload_types: dict[str, int | None] = {}

    def forward(
        self, packet: RtpPacket, source: Source, codec: str, extensions: Mapping[int, str], now_s: float
    ) -> RtpPacket | None:
        """Return the packet to send, or None; `counters` tell why. `extensions` are the source's ids."""
        payload_type = self.payload_type(codec)
        if payload_type is None:
            self.counters.no_codec += 1
            return None
        if source != self.source:
            if self.line.kind == "video" and not starts_key_frame(codec, packet.payload):
                self.counters.awaiting_key_frame += 1
                return None
            self.continuity.switch(packet.sequence_number, packet.timestamp, now_s)
            self.source = source
        rewritten = self.continuity.rewrite(packet.sequence_number, packet.timestamp, now_s)
        if rewritten is None:
            self.counters.late += 1
            return None
        return RtpPacket(
            payload_type=payload_type,
            sequence_number=rewritten[0],
            timestamp=rewritten[1],
            ssrc=self.ssrc,
            payload=packet.payload,
            marker=packet.marker,
            extensions=self._rewrite_extensions(packet.extensions, extensions),
            padding=packet.padding,
        )

    def payload_type(self, codec: str) -> int | None:
        """Return the number under which this browser takes a codec."""
        if codec not in self._payload_types:
            self._payload_types[codec] = self.line.payload_type(codec)
        return self._payload_types[codec]

    def _rewrite_extensions(
        self, extensions: tuple[tuple[int, bytes], ...], uris: Mapping[int, str]
    ) -> tuple[tuple[int, bytes], ...]:
        kept: list[tuple[int, bytes]] = []
        for identifier, value in extensions:
            uri = uris.get(identifier)
            ours = self.extension_ids.get(uri) if uri is not None else None
            if ours is None:
                continue
            if uri == MID:
                kept.append((ours, self.mid))
            elif uri in (AUDIO_LEVEL, ABS_SEND_TIME):
                kept.append((ours, value))
        return tuple(kept)
