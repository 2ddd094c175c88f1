"""Pages of a report's PDF: A4, what stands on each, their numbers, and the styles of its paragraphs."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph

from .pdf_text import BOLD, REGULAR, plain

WIDTH, HEIGHT = A4
SIDE, TOP, BOTTOM = 22 * mm, 26 * mm, 24 * mm
ROOM_BELOW_HEADING = 28 * mm
INK, SOFT, ACCENT, DANGER, RULE = map(HexColor, ("#12211f", "#4a5d59", "#08564e", "#8f1d17", "#d3dedb"))
_STAMP = Color(0.56, 0.11, 0.09, alpha=0.07)

BODY = ParagraphStyle("body", fontName=REGULAR, fontSize=9.5, leading=14, textColor=INK, spaceAfter=4)
TITLE = ParagraphStyle("title", BODY, fontName=BOLD, fontSize=17, leading=22, textColor=INK, spaceAfter=8)
HEADING = ParagraphStyle(
    "heading", BODY, fontName=BOLD, fontSize=11.5, leading=15, textColor=ACCENT, spaceBefore=14, spaceAfter=5
)
NOTE = ParagraphStyle("note", BODY, fontSize=8.5, leading=12, textColor=SOFT)
ITEM = ParagraphStyle("item", BODY, leftIndent=12, bulletIndent=1, bulletFontName=REGULAR)
SAID = ParagraphStyle("said", ITEM, fontSize=8.5, leading=12.5, spaceAfter=3)
FACT = ParagraphStyle("fact", BODY, spaceAfter=1.5)
SEAL = ParagraphStyle("seal", FACT, fontSize=8, leading=11.5)
# The stubs know no padding of four sides, which ReportLab takes.
_PADDING: Any = (7, 7, 4, 7)
DRAFT = ParagraphStyle(
    "draft", BODY, fontName=BOLD, textColor=DANGER, borderColor=DANGER, borderWidth=0.8, borderPadding=_PADDING,
    spaceBefore=16, spaceAfter=14, leftIndent=8, rightIndent=8,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Margins:
    """What stands on every page. `page`: "Page {page} of {pages}". A `stamp` goes across it."""

    above: str
    below: str
    page: str
    stamp: str = ""


class Heading(Paragraph):
    """A heading that the reader's outline lists as `entry`."""

    def __init__(self, text: str, style: ParagraphStyle, entry: str, key: str) -> None:
        super().__init__(text, style)
        self.entry = entry
        self.key = key

    def draw(self) -> None:
        """Draw it and note where it stands."""
        self.canv.bookmarkPage(self.key)
        self.canv.addOutlineEntry(self.entry, self.key, 0)
        super().draw()


def lay_out(story: Callable[[], Iterable[Flowable]], margins: Margins, title: str, language: str) -> bytes:
    """Return a PDF of `story`, which is laid out twice: how many pages there are is known only then.

    The same contents make the same bytes.
    """
    _, pages = _laid_out(story(), margins, 0, title, language)
    return _laid_out(story(), margins, pages, title, language)[0]


def _laid_out(story: Iterable[Flowable], margins: Margins, pages: int, title: str, language: str) -> tuple[bytes, int]:
    def every_page(canvas: Canvas, document: BaseDocTemplate) -> None:
        _stamp(canvas, margins.stamp)
        _edges(canvas, margins, margins.page.format(page=document.page, pages=pages))

    file = io.BytesIO()
    document = BaseDocTemplate(
        file, pagesize=A4, title=title, author="", subject="", creator="Escuta", lang=language, invariant=1,
        displayDocTitle=True, allowSplitting=1,
    )  # fmt: skip
    frame = Frame(SIDE, BOTTOM, WIDTH - 2 * SIDE, HEIGHT - TOP - BOTTOM, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=every_page))
    document.build(list(story))
    return file.getvalue(), document.page


def _edges(canvas: Canvas, margins: Margins, page: str) -> None:
    width = WIDTH - 2 * SIDE
    canvas.saveState()
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.6)
    canvas.line(SIDE, HEIGHT - TOP + 4 * mm, WIDTH - SIDE, HEIGHT - TOP + 4 * mm)
    canvas.line(SIDE, BOTTOM - 5 * mm, WIDTH - SIDE, BOTTOM - 5 * mm)
    canvas.setFillColor(DANGER if margins.stamp else SOFT)
    font = BOLD if margins.stamp else REGULAR
    canvas.setFont(font, 8)
    canvas.drawString(SIDE, HEIGHT - TOP + 6.5 * mm, fitting(margins.above, font, 8, width))
    canvas.setFillColor(SOFT)
    canvas.setFont(REGULAR, 8)
    canvas.drawRightString(WIDTH - SIDE, BOTTOM - 10 * mm, page)
    room = width - stringWidth(page, REGULAR, 8) - 6 * mm
    canvas.drawString(SIDE, BOTTOM - 10 * mm, fitting(margins.below, REGULAR, 8, room))
    canvas.restoreState()


def _stamp(canvas: Canvas, text: str) -> None:
    if not text:
        return
    canvas.saveState()
    canvas.setFillColor(_STAMP)
    canvas.setFont(BOLD, 44)
    canvas.translate(WIDTH / 2, HEIGHT / 2)
    canvas.rotate(52)
    canvas.drawCentredString(0, 0, text)
    canvas.restoreState()


def fitting(text: str, font: str, size: float, width: float) -> str:
    """Return as much of `text` as `width` points hold, with "…" where some is left out."""
    text = plain(text)
    if stringWidth(text, font, size) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if stringWidth(f"{text[:middle]}…", font, size) <= width else (low, middle - 1)
    return f"{text[:low].rstrip()}…"
