"""Ogg/Opus from packets as they are: every packet's length counted, no granule holes.

Source: RFC 3533 (Ogg pages), RFC 7845 (Opus in Ogg).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from ..model.audio import OPUS_CLOCK_HZ

PRE_SKIP = 312
"""What libopus looks ahead at 48 kHz (6.5 ms): the decoder's output lags by it, so players skip it."""

SHORTEST = 960
"""Samples a stream should hold even if less of it is to be heard: FFmpeg trims a shorter one wrongly."""

_PAGE = struct.Struct("<4sBBqIIIB")
_CHECKSUM_AT = 22
_BEGIN, _END = 2, 4
_MAX_SEGMENTS = 255
_PAGE_SAMPLES = OPUS_CLOCK_HZ
_REVERSED_BYTES = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))


def checksum(page: bytes) -> int:
    """Return Ogg's CRC-32 (polynomial 0x04C11DB7, most significant bit first, starting from 0).

    It is zlib's with all bits mirrored and without its inversions, which is 100 times faster than a loop.
    """
    mirrored = zlib.crc32(page.translate(_REVERSED_BYTES), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED_BYTES), "big")


class OggOpusWriter:
    """Writes one mono or stereo Opus stream; pages hold about a second."""

    def __init__(self, write: Callable[[bytes], None], *, serial: int, channels: int, title: str) -> None:
        self._write = write
        self._serial = serial
        self._page_number = 0
        self._granule = 0
        self._page_began = 0
        self._lacing = bytearray()
        self._body = bytearray()
        head = struct.pack("<8sBBHIhB", b"OpusHead", 1, channels, PRE_SKIP, OPUS_CLOCK_HZ, 0, 0)
        self._page(head, _lacing(head), flags=_BEGIN, granule=0)
        tags = b"OpusTags" + _text("Escuta") + struct.pack("<I", 1) + _text(f"TITLE={title}")
        self._page(tags, _lacing(tags), flags=0, granule=0)

    def add(self, samples: int, packet: bytes) -> None:
        """Append a packet (at most 61,200 bytes) that decodes to so many samples."""
        lacing = _lacing(packet)
        full = len(self._lacing) + len(lacing) > _MAX_SEGMENTS or self._granule - self._page_began >= _PAGE_SAMPLES
        if full and self._lacing:
            self._flush(0, self._granule)
        self._lacing += lacing
        self._body += packet
        self._granule += samples

    def close(self, samples: int) -> None:
        """End the stream, which then plays for `samples`: what the last packets hold beyond is trimmed."""
        self._flush(_END, min(self._granule, samples + PRE_SKIP))

    def _flush(self, flags: int, granule: int) -> None:
        self._page(bytes(self._body), bytes(self._lacing), flags=flags, granule=granule)
        self._body.clear()
        self._lacing.clear()
        self._page_began = self._granule

    def _page(self, body: bytes, lacing: bytes, *, flags: int, granule: int) -> None:
        head = _PAGE.pack(b"OggS", 0, flags, granule, self._serial, self._page_number, 0, len(lacing))
        page = bytearray(head + lacing + body)
        page[_CHECKSUM_AT : _CHECKSUM_AT + 4] = checksum(bytes(page)).to_bytes(4, "little")
        self._write(bytes(page))
        self._page_number += 1


def _lacing(packet: bytes) -> bytes:
    whole, rest = divmod(len(packet), 255)
    return b"\xff" * whole + bytes((rest,))


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<I", len(encoded)) + encoded
