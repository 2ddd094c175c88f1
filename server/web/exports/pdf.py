"""A report as a PDF."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import CondPageBreak, Flowable, Paragraph

from . import pdf_layout as layout
from .dossier import Dossier
from .pdf_text import falls_short, load_fonts, markup
from .sheet import Fact, Line, Said, Sheet

LANGUAGES = {"pt": "pt-BR", "en": "en"}
# ReportLab's fonts are one for the process, and keep what a document has used of them.
_ONE_AT_A_TIME = threading.Lock()


def to_pdf(dossier: Dossier) -> bytes:
    """Return the report as a PDF; each page says who signed it, or that nobody did."""
    sheet = Sheet.of(dossier)
    with _ONE_AT_A_TIME:
        load_fonts()
        margins = layout.Margins(
            above=sheet.banner, below=sheet.reference, page=sheet.words.page, stamp="" if sheet.signed else sheet.banner
        )
        return layout.lay_out(lambda: _story(sheet), margins, sheet.title, LANGUAGES[sheet.language])


def _story(sheet: Sheet) -> Iterator[Flowable]:
    words = sheet.words
    anchors = {said.mark: f"said-{number}" for number, said in reversed(list(enumerate(sheet.said)))}
    yield Paragraph(markup(sheet.title), layout.TITLE)
    if not sheet.signed:
        yield Paragraph(markup(sheet.banner), layout.DRAFT)
    yield from _facts(sheet.facts, layout.FACT)
    for number, part in enumerate(sheet.parts):
        yield from _heading(part.title, f"part-{number}")
        if not part.lines:
            yield Paragraph(markup(words.nothing), layout.NOTE)
        yield from (_line(line, anchors) for line in part.lines)
    if sheet.seal:
        yield from _heading(words.signature, "signature")
        yield from _facts(sheet.seal, layout.SEAL)
    if sheet.said or sheet.confirms:
        yield from _heading(words.said, "said")
    if sheet.said:
        yield Paragraph(markup(words.said_note), layout.NOTE)
        yield from (_said(said, f"said-{number}", anchors) for number, said in enumerate(sheet.said))
    if sheet.confirms:
        confirmed = f'<a name="confirmed"/>{_soft(f"[{words.confirmed}]")} {markup(words.confirmed_note)}'
        yield Paragraph(confirmed, layout.SAID, bulletText="•")
    if any(map(falls_short, _texts(sheet))):
        yield Paragraph(markup(words.undrawn), layout.NOTE)


def _heading(title: str, key: str) -> Iterator[Flowable]:
    # Not keepWithNext: it would take a whole long statement to the next page with its heading.
    yield CondPageBreak(layout.ROOM_BELOW_HEADING)
    yield layout.Heading(markup(title), layout.HEADING, title, key)


def _facts(facts: Sequence[Fact], style: ParagraphStyle) -> Iterator[Flowable]:
    for fact in facts:
        yield Paragraph(f'<font color="#4a5d59">{markup(fact.label)}:</font> {markup(fact.value)}', style)


def _line(line: Line, anchors: Mapping[str, str]) -> Flowable:
    marks = "".join(f' <a href="#{anchors.get(mark, "confirmed")}">{_soft(f"[{mark}]")}</a>' for mark in line.marks)
    return Paragraph(markup(line.text) + marks, layout.ITEM, bulletText="•")


def _said(said: Said, anchor: str, anchors: Mapping[str, str]) -> Flowable:
    # Of several at the same second the first is where the mark leads.
    here = f'<a name="{anchor}"/>' if anchors[said.mark] == anchor else ""
    speaker = f"{markup(said.speaker)}: " if said.speaker else ""
    quote = markup(f"“{said.quote}”") if said.quote else ""
    return Paragraph(f"{here}{_soft(f'[{said.mark}]')} {speaker}{quote}", layout.SAID, bulletText="•")


def _soft(mark: str) -> str:
    return f'<font color="#08564e" size="7.5">{markup(mark)}</font>'


def _texts(sheet: Sheet) -> Iterator[str]:
    yield sheet.title
    yield from (fact.value for fact in (*sheet.facts, *sheet.seal))
    for part in sheet.parts:
        yield part.title
        yield from (line.text for line in part.lines)
    yield from (said.quote for said in sheet.said)
