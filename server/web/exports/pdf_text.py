"""Text on its way into a PDF: in the fonts that ReportLab brings, escaped for its paragraphs.

Bitstream Vera, embedded, draws what Portuguese and English need; Symbol, which every reader has, draws Greek letters
and arrows. What neither has is drawn as its plain letter or as `UNDRAWN`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import Literal
from xml.sax.saxutils import escape

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD = "Vera", "VeraBd"
UNDRAWN = "[?]"
_SYMBOLS = frozenset("ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨαβγδεζηθικλνξοπρςστυφχψω←↑→↓↔⇐⇑⇒⇓⇔∈∉∧∨∩∪∼⊂⊆′″")
_LOOKALIKES = {"μ": "µ", "\u2010": "-", "\u2011": "-", "Ω": "Ω", "Δ": "∆"}

_Drawn = tuple[str, Literal["", "symbol", "changed", "undrawn"]]


@cache
def load_fonts() -> frozenset[str]:
    """Make the fonts known to ReportLab, once; return the characters that they have."""
    fonts = [TTFont(name, f"{name}.ttf") for name in (REGULAR, BOLD)]
    for font in fonts:
        pdfmetrics.registerFont(font)
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    return frozenset(chr(code) for code in fonts[0].face.charToGlyph if 32 <= code < 0xFFFE)


def markup(text: str) -> str:
    """Return `text` for a ReportLab paragraph that shows exactly it, as far as the fonts can."""
    pieces = []
    for manner, run in groupby(_drawn(text), key=lambda one: one[1]):
        drawn = escape("".join(piece for piece, _ in run))
        pieces.append(f'<font name="Symbol">{drawn}</font>' if manner == "symbol" else drawn)
    return "".join(pieces)


def plain(text: str) -> str:
    """Return `text` as far as Vera alone can draw it, for lines that are no paragraphs."""
    return "".join(UNDRAWN if manner == "symbol" else piece for piece, manner in _drawn(text))


def falls_short(text: str) -> bool:
    """Return whether `text` is drawn otherwise than it was written."""
    return any(manner in ("changed", "undrawn") for _, manner in _drawn(text))


def _drawn(text: str) -> Iterator[_Drawn]:
    undrawn = False
    for character in unicodedata.normalize("NFC", text):
        drawn = _draw(character)
        if drawn[1] == "undrawn" and (undrawn or unicodedata.category(character) in ("Mn", "Cf")):
            continue
        undrawn = drawn[1] == "undrawn"
        yield drawn


@cache
def _draw(character: str) -> _Drawn:
    known = load_fonts()
    character = _LOOKALIKES.get(character, character)
    if character in known:
        return character, ""
    if character in _SYMBOLS:
        return character, "symbol"
    base = "".join(one for one in unicodedata.normalize("NFKD", character) if not unicodedata.combining(one))
    if base and base != " " and all(one in known for one in base):
        return base, "changed"
    return UNDRAWN, "undrawn"
