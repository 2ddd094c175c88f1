"""A header extension block rewritten where it lies: as one large number, whatever it holds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .description import ABS_SEND_TIME, AUDIO_LEVEL, MID
from .rtp import HEADER, ONE_BYTE_PROFILE

BLOCK_HEADER_BYTES = 4


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which a stream's extension blocks look, and what becomes of them.

    Numbers are the block with its header, big endian. A block is of this layout if `block & mask == expected`; it is
    sent as `block & keep | fixed`, or unchanged if `same`. The payload begins at byte `start` of the packet.
    """

    start: int
    mask: int
    expected: int
    keep: int
    fixed: int
    same: bool


def read_layout(block: bytes, uris: Mapping[int, str], ours: Mapping[str, int], mid: bytes) -> Layout | None:
    """Return the layout of a block (header included) whose ids mean `uris`, for a browser that knows `ours` and `mid`.

    What that browser does not know becomes padding. None if only writing the block anew will do: another profile, a
    `mid` of another length, an id too large, something cut off.
    """
    if int.from_bytes(block[:2], "big") != ONE_BYTE_PROFILE or len(block) > 256:
        return None
    mask, keep, fixed = (bytearray(len(block)) for _ in range(3))
    mask[:BLOCK_HEADER_BYTES] = b"\xff" * BLOCK_HEADER_BYTES
    fixed[:BLOCK_HEADER_BYTES] = block[:BLOCK_HEADER_BYTES]
    position = BLOCK_HEADER_BYTES
    while position < len(block):
        mask[position] = 0xFF
        if block[position] == 0:
            position += 1
            continue
        identifier, octets = block[position] >> 4, (block[position] & 0x0F) + 1
        value = slice(position + 1, position + 1 + octets)
        if identifier == 15 or value.stop > len(block):
            return None
        uri = uris.get(identifier, "")
        known = ours.get(uri)
        if known is not None and uri in (MID, AUDIO_LEVEL, ABS_SEND_TIME):
            if known > 14 or (uri == MID and len(mid) != octets):
                return None
            fixed[position] = known << 4 | (octets - 1)
            if uri != MID:
                keep[value] = b"\xff" * octets
            else:
                fixed[value] = mid
                mask[value] = b"\xff" * octets
        position = value.stop
    numbers = (int.from_bytes(part, "big") for part in (mask, keep, fixed, block))
    return _layout(HEADER.size + len(block), *numbers)


def _layout(start: int, mask: int, keep: int, fixed: int, block: int) -> Layout:
    # Only what neither matters here nor is passed on may differ unseen; then the block does change.
    same = (mask | keep) == (1 << 8 * (start - HEADER.size)) - 1 and block & mask == fixed & mask
    return Layout(start, mask, block & mask, keep, fixed, same)
