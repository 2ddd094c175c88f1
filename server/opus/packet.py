"""What an Opus packet says about itself without decoding it, and packets that say nothing.

Source: RFC 6716, section 3 (table of contents byte, framing, requirements R1 to R7).
"""

from __future__ import annotations

TICK_SAMPLES = 120
"""2.5 ms at 48 kHz: the shortest Opus frame, so the grid every length lies on."""

MAX_PACKET_SAMPLES = 5_760
MAX_FRAME_BYTES = 1_275
MAX_PACKET_BYTES = 48 * MAX_FRAME_BYTES
"""Longest packet whose bytes are not padding; longer ones are refused."""

_SILK_SAMPLES = (480, 960, 1_920, 2_880)
_HYBRID_SAMPLES = (480, 960)
_CELT_SAMPLES = (120, 240, 480, 960)

# CELT, full band, mono, one frame whose first bit says "silence": (length in samples, packet), longest first.
_SILENCES = tuple(
    (samples, bytes(((28 + index) << 3, 0xFF, 0xFE))) for index, samples in reversed(list(enumerate(_CELT_SAMPLES)))
)


def frame_samples(toc: int) -> int:
    """Return how many 48 kHz samples each frame of a packet with this first byte holds."""
    configuration = toc >> 3
    if configuration < 12:
        return _SILK_SAMPLES[configuration & 3]
    if configuration < 16:
        return _HYBRID_SAMPLES[configuration & 1]
    return _CELT_SAMPLES[configuration & 3]


def packet_samples(payload: bytes) -> int:
    """Return how many 48 kHz samples `payload` holds; 0 if it is no packet a decoder must accept."""
    if not 0 < len(payload) <= MAX_PACKET_BYTES:
        return 0
    frames = _frames(payload)
    samples = frames * frame_samples(payload[0])
    return samples if samples <= MAX_PACKET_SAMPLES else 0


def is_stereo(payload: bytes) -> bool:
    """Say whether a (non-empty) packet carries two channels."""
    return bool(payload[0] & 4)


def silence(samples: int) -> list[tuple[int, bytes]]:
    """Return packets of digital silence that last `samples` (a multiple of 120): (length, packet) each."""
    packets = []
    for length, packet in _SILENCES:
        count, samples = divmod(samples, length)
        packets += [(length, packet)] * count
    return packets


def concealment(toc: int) -> tuple[int, bytes]:
    """Return (length, packet) of one empty frame like those of `toc`: the decoder conceals it.

    Source: RFC 7845, section 4.1 (a zero-length frame stands for a lost one).
    """
    return frame_samples(toc), bytes((toc & 0xFC,))


def _frames(payload: bytes) -> int:
    code, size = payload[0] & 3, len(payload) - 1
    if code == 0:
        return 1 if size <= MAX_FRAME_BYTES else 0
    if code == 1:
        return 2 if size % 2 == 0 and size <= 2 * MAX_FRAME_BYTES else 0
    if code == 2:
        return _two_frames(payload)
    return _many_frames(payload)


def _two_frames(payload: bytes) -> int:
    first, offset = _frame_length(payload, 1)
    second = len(payload) - offset - first
    return 2 if first >= 0 and 0 <= second <= MAX_FRAME_BYTES else 0


def _many_frames(payload: bytes) -> int:
    if len(payload) < 2:
        return 0
    variable, padded, count = payload[1] & 0x80, payload[1] & 0x40, payload[1] & 0x3F
    offset, padding = 2, 0
    while padded:
        if offset >= len(payload):
            return 0
        value = payload[offset]
        offset += 1
        padding += 254 if value == 255 else value
        if value != 255:
            break
    left = len(payload) - offset - padding
    if left < 0 or count == 0:
        return 0
    if not variable:
        return count if left % count == 0 and left <= count * MAX_FRAME_BYTES else 0
    end = len(payload) - padding
    used = 0
    for _ in range(count - 1):
        length, offset = _frame_length(payload, offset)
        if length < 0:
            return 0
        used += length
    return count if 0 <= end - offset - used <= MAX_FRAME_BYTES else 0


def _frame_length(payload: bytes, offset: int) -> tuple[int, int]:
    """Return the frame length coded at `offset` and where the code ends; -1 if it is cut off."""
    if offset >= len(payload):
        return -1, offset
    first = payload[offset]
    if first < 252:
        return first, offset + 1
    if offset + 1 >= len(payload):
        return -1, offset
    return first + 4 * payload[offset + 1], offset + 2
