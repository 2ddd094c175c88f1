"""Other people's text on its way into a document: one line, without what cannot be seen or turns text around."""

from __future__ import annotations

import re

# Control characters, surrogates, what Unicode calls no character, invisible tags and zero widths (but the joiners that
# scripts and emoji need), and the marks that show text in another order than it is read (Unicode TR 36, 2.5).
_UNWANTED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufdd0-\ufdef\ufff0-\ufffb\U000e0000-\U000e007f"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)


def line(text: str) -> str:
    """Return `text` as one line that every format can hold; empty if nothing of it can be seen."""
    return " ".join(_UNWANTED.sub("", " ".join(text.split())).split())
