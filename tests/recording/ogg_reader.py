"""Reads Ogg pages apart by the book, to check ours against it. Source: RFC 3533, section 6."""

import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    flags: int
    granule: int
    serial: int
    number: int
    checksum: int
    packets: list[bytes]
    content: bytes


def slow_checksum(content: bytes) -> int:
    register = 0
    for byte in content:
        register ^= byte << 24
        for _ in range(8):
            register = ((register << 1) ^ 0x04C11DB7 if register & 0x80000000 else register << 1) & 0xFFFFFFFF
    return register


def read_pages(content: bytes) -> list[Page]:
    pages, place = [], 0
    while place < len(content):
        magic, version, flags, granule, serial, number, checksum, segments = struct.unpack_from(
            "<4sBBqIIIB", content, place
        )
        assert (magic, version) == (b"OggS", 0)
        body = place + 27 + segments
        packets, packet = [], b""
        for length in content[place + 27 : body]:
            packet += content[body : body + length]
            body += length
            if length < 255:
                packets.append(packet)
                packet = b""
        assert packet == b"", "a packet spans pages"
        blank = content[place : place + 22] + bytes(4) + content[place + 26 : body]
        pages.append(Page(flags, granule, serial, number, checksum, packets, blank))
        place = body
    return pages
