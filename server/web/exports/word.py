"""A report as a Word document."""

from __future__ import annotations

from collections.abc import Iterator

from ..docx import Block, EveryPage, Run, docx
from .dossier import Dossier
from .sheet import Fact, Line, Said, Sheet


def to_docx(dossier: Dossier) -> bytes:
    """Return the report as a Word document on A4; each page says who signed it, or that nobody did."""
    sheet = Sheet.of(dossier)
    every = EveryPage(above=[Run(sheet.banner, bold=not sheet.signed)], below=sheet.reference, page=sheet.words.page)
    return docx(sheet.title, _blocks(sheet), sheet.language, every)


def _blocks(sheet: Sheet) -> Iterator[Block]:
    words = sheet.words
    if not sheet.signed:
        yield Block([Run(sheet.banner, bold=True)])
    yield from map(_fact, sheet.facts)
    for part in sheet.parts:
        yield _heading(part.title)
        yield from map(_line, part.lines)
        if not part.lines:
            yield Block([Run(words.nothing, faint=True)])
    if sheet.seal:
        yield _heading(words.signature)
        yield from map(_fact, sheet.seal)
    if sheet.said or sheet.confirms:
        yield _heading(words.said)
    if sheet.said:
        yield Block([Run(words.said_note, faint=True)])
        yield from map(_said, sheet.said)
    if sheet.confirms:
        yield Block([Run(f"[{words.confirmed}] ", faint=True), Run(words.confirmed_note)], "ListBullet")


def _heading(title: str) -> Block:
    return Block([Run(title)], "Heading1")


def _fact(fact: Fact) -> Block:
    return Block([Run(f"{fact.label}: ", bold=True), Run(fact.value)])


def _line(line: Line) -> Block:
    return Block([Run(line.text), *(Run(f" [{mark}]", faint=True) for mark in line.marks)], "ListBullet")


def _said(said: Said) -> Block:
    speaker = f"{said.speaker}: " if said.speaker else ""
    quote = f"“{said.quote}”" if said.quote else ""
    return Block([Run(f"[{said.mark}] ", faint=True), Run(speaker, bold=True), Run(quote)], "ListBullet")
