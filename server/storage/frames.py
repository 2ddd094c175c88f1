"""How records lie in a spool file: marker, length, checksum, sequence, payload."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

MARKER = b"\x00ESC"
HEADER = struct.Struct("<4sIIQ")
SEQUENCE = struct.Struct("<Q")
PAYLOAD_LIMIT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Frame:
    """One record as read; it ends before byte `end` of what was scanned."""

    sequence: int
    payload: bytes
    end: int


def encode(sequence: int, payload: bytes) -> bytes:
    """Return the bytes of one record."""
    return HEADER.pack(MARKER, len(payload), _checksum(sequence, payload), sequence) + payload


def scan(content: bytes) -> Iterator[Frame]:
    """Yield the whole records in `content`; what is torn or damaged between them is passed over."""
    offset = 0
    while (offset := content.find(MARKER, offset)) >= 0:
        frame = _at(content, offset)
        if frame is None:
            offset += 1
        else:
            yield frame
            offset = frame.end


def _at(content: bytes, offset: int) -> Frame | None:
    start = offset + HEADER.size
    if start > len(content):
        return None
    _, length, checksum, sequence = HEADER.unpack_from(content, offset)
    end = start + length
    if length > PAYLOAD_LIMIT_BYTES or end > len(content):
        return None
    payload = content[start:end]
    return Frame(sequence, payload, end) if _checksum(sequence, payload) == checksum else None


def _checksum(sequence: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(SEQUENCE.pack(sequence)))
