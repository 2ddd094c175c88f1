"""Where a key frame begins, told from the first bytes of a payload; nothing is decoded."""

from __future__ import annotations

IDR, SPS, STAP_A, FU_A = 5, 7, 24, 28


def starts_key_frame(codec: str, payload: bytes) -> bool:
    """Tell whether this RTP payload begins a key frame. Unknown codecs: always, so that they are never held back."""
    if codec == "VP8":
        return _vp8(payload)
    if codec.startswith("H264"):
        return _h264(payload)
    return True


def _vp8(payload: bytes) -> bool:
    """Source: RFC 7741 sections 4.2 and 4.3."""
    if len(payload) < 2 or payload[0] & 0x10 == 0 or payload[0] & 0x0F != 0:
        return False
    position = 1
    if payload[0] & 0x80:
        flags = payload[1]
        position = 2
        if flags & 0x80:
            position += 2 if len(payload) > position and payload[position] & 0x80 else 1
        position += (1 if flags & 0x40 else 0) + (1 if flags & 0x30 else 0)
    return len(payload) > position and payload[position] & 0x01 == 0


def _h264(payload: bytes) -> bool:
    """Source: RFC 6184 sections 5.6 to 5.8."""
    if not payload:
        return False
    kind = payload[0] & 0x1F
    if kind in (IDR, SPS):
        return True
    if kind == STAP_A:
        return len(payload) > 3 and payload[3] & 0x1F in (IDR, SPS)
    return kind == FU_A and len(payload) > 1 and payload[1] & 0x80 != 0 and payload[1] & 0x1F in (IDR, SPS)
