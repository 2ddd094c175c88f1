"""RTP packets as bytes on the wire: parsing, writing, and sequence arithmetic (RFC 3550, RFC 8285)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER = struct.Struct("!BBHLL")
ONE_BYTE_PROFILE = 0xBEDE
TWO_BYTE_PROFILE = 0x1000


class Malformed(ValueError):
    """The datagram is not what it claims to be."""


@dataclass(slots=True)
class RtpPacket:
    """One RTP packet; `padding` counts the bytes behind `payload`, the length byte included."""

    payload_type: int
    sequence_number: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False
    extensions: tuple[tuple[int, bytes], ...] = ()
    padding: int = 0

    def write(self) -> bytes:
        """Return the packet as sent. CSRCs are never written: nothing is mixed here."""
        extension = write_extensions(self.extensions) if self.extensions else b""
        first = 0x80 | (0x20 if self.padding else 0) | (0x10 if extension else 0)
        second = (0x80 if self.marker else 0) | self.payload_type
        head = HEADER.pack(first, second, self.sequence_number, self.timestamp, self.ssrc)
        if not self.padding:
            return head + extension + self.payload
        return head + extension + self.payload + bytes(self.padding - 1) + bytes((self.padding,))


def parse_rtp(data: bytes) -> RtpPacket:
    """Read one RTP packet.

    Raises:
        Malformed: If a length in it does not fit, or it is not RTP version 2.
    """
    if len(data) < HEADER.size:
        raise Malformed("RTP packet shorter than its header")
    first, second, sequence_number, timestamp, ssrc = HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise Malformed("not RTP version 2")
    start, end = HEADER.size + 4 * (first & 0x0F), len(data)
    extensions: tuple[tuple[int, bytes], ...] = ()
    if first & 0x10:
        if end < start + 4:
            raise Malformed("RTP header extension cut off")
        profile, words = struct.unpack_from("!HH", data, start)
        block_start, start = start + 4, start + 4 + 4 * words
        if end >= start:
            extensions = read_extensions(profile, data[block_start:start])
    padding = data[-1] if first & 0x20 else 0
    if first & 0x20 and not padding:
        raise Malformed("RTP padding of length 0")
    if end - padding < start:
        raise Malformed("RTP header or padding longer than the packet")
    return RtpPacket(
        payload_type=second & 0x7F,
        sequence_number=sequence_number,
        timestamp=timestamp,
        ssrc=ssrc,
        payload=data[start : end - padding],
        marker=second >= 0x80,
        extensions=extensions,
        padding=padding,
    )


def read_extensions(profile: int, block: bytes) -> tuple[tuple[int, bytes], ...]:
    """Return (id, value) pairs of a header extension block; an unknown profile has none.

    Raises:
        Malformed: If a value is cut off.
    """
    if profile == ONE_BYTE_PROFILE:
        lengths_bytes = 1
    elif profile & 0xFFF0 == TWO_BYTE_PROFILE:
        lengths_bytes = 2
    else:
        return ()
    found: list[tuple[int, bytes]] = []
    position, end = 0, len(block)
    while position < end:
        if block[position] == 0:
            position += 1
            continue
        if lengths_bytes == 1:
            identifier, length = block[position] >> 4, (block[position] & 0x0F) + 1
            if identifier == 15:  # RFC 8285 section 4.2: stop here
                break
        elif position + 1 < end:
            identifier, length = block[position], block[position + 1]
        else:
            raise Malformed("RTP header extension cut off")
        position += lengths_bytes
        if position + length > end:
            raise Malformed("RTP header extension cut off")
        found.append((identifier, block[position : position + length]))
        position += length
    return tuple(found)


def write_extensions(extensions: tuple[tuple[int, bytes], ...]) -> bytes:
    """Return the extension block with its header, padded to 32 bits; the two-byte form only when needed."""
    one_byte = all(0 < identifier < 15 and 0 < len(value) <= 16 for identifier, value in extensions)
    if one_byte:
        block = b"".join(bytes(((identifier << 4) | (len(value) - 1),)) + value for identifier, value in extensions)
    else:
        block = b"".join(bytes((identifier, len(value))) + value for identifier, value in extensions)
    block += bytes(-len(block) % 4)
    profile = ONE_BYTE_PROFILE if one_byte else TWO_BYTE_PROFILE
    return struct.pack("!HH", profile, len(block) // 4) + block


def unwrap(sequence_number: int, newest: int) -> int:
    """Return the unbounded number nearest to `newest` that is `sequence_number` modulo 2^16.

    Half-way (32768 apart) counts as older.
    """
    ahead = (sequence_number - newest) & 0xFFFF
    return newest + (ahead if ahead < 0x8000 else ahead - 0x10000)
