"""A Word document of paragraphs, written with the standard library alone. Pure.

Source: ECMA-376 (Office Open XML): part 1 for the body, part 2 for the package. Only what a reader needs.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

_MAIN = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_CORE = "application/vnd.openxmlformats-package.core-properties+xml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# What XML 1.0 cannot say, not even as a reference.
_UNSAYABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EPOCH = (1980, 1, 1, 0, 0, 0)
# A4 with margins of 2 cm, in twentieths of a point.
_A4 = (
    '<w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1417" w:right="1134" w:bottom="1417" w:left="1134" '
    'w:header="567" w:footer="567" w:gutter="0"/>'
)

CONTENT_TYPE = f"{_TYPES}.document"

Style = Literal["", "Title", "Heading1", "ListBullet"]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one manner."""

    text: str
    bold: bool = False
    faint: bool = False


Paragraph = Sequence[Run]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph in a style: a heading, or one of a list."""

    runs: Paragraph
    style: Style = ""


@dataclass(frozen=True, slots=True)
class EveryPage:
    """What stands above and below each page of a document on A4. `page`: "Page {page} of {pages}"."""

    above: Paragraph
    below: str
    page: str


def docx(title: str, paragraphs: Iterable[Paragraph | Block], language: str, every: EveryPage | None = None) -> bytes:
    """Return a document headed by `title`, in `language` (a BCP 47 tag). The same contents make the same bytes."""
    parts = {
        "word/document.xml": _document(title, paragraphs, every is not None),
        "word/styles.xml": _styles(language),
    }
    if every:
        parts |= {
            "word/numbering.xml": _numbering(),
            "word/header1.xml": _edge("hdr", _paragraph(every.above)),
            "word/footer1.xml": _edge("ftr", _footer(every)),
            "docProps/core.xml": _core(title, language),
        }
    wholes = {
        "[Content_Types].xml": _content_types(parts),
        "_rels/.rels": _relationships([part for part in parts if part in _FROM_PACKAGE], ""),
        **parts,
        "word/_rels/document.xml.rels": _relationships([part for part in parts if part not in _FROM_PACKAGE], "word/"),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in wholes.items():
            package.writestr(zipfile.ZipInfo(name, _EPOCH), _HEAD + content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


_FROM_PACKAGE = {
    "word/document.xml": f"{_OFFICE}/officeDocument",
    "docProps/core.xml": f"{_PACKAGE}/relationships/metadata/core-properties",
}
_FROM_DOCUMENT = {
    f"word/{name}.xml": f"{_OFFICE}/{name.rstrip('1')}" for name in ("styles", "numbering", "header1", "footer1")
}


def _document(title: str, paragraphs: Iterable[Paragraph | Block], edged: bool) -> str:
    blocks = (one if isinstance(one, Block) else Block(one) for one in paragraphs)
    body = [_paragraph([Run(title)], "Title"), *(_paragraph(one.runs, one.style) for one in blocks)]
    edges = (
        '<w:headerReference w:type="default" r:id="header1"/><w:footerReference w:type="default" r:id="footer1"/>'
        if edged
        else ""
    )
    section = f"<w:sectPr>{edges}{_A4}</w:sectPr>" if edged else "<w:sectPr/>"
    return f'<w:document xmlns:w="{_MAIN}" xmlns:r="{_OFFICE}"><w:body>{"".join(body)}{section}</w:body></w:document>'


def _paragraph(runs: Paragraph, style: Style = "") -> str:
    manner = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{manner}{''.join(_run(run) for run in runs)}</w:p>"


def _run(run: Run) -> str:
    manner = ("<w:b/>" if run.bold else "") + ('<w:color w:val="595959"/>' if run.faint else "")
    return f'<w:r>{f"<w:rPr>{manner}</w:rPr>" if manner else ""}<w:t xml:space="preserve">{_text(run.text)}</w:t></w:r>'


def _text(text: str) -> str:
    return escape(_UNSAYABLE.sub("\ufffd", text))


def _edge(element: str, paragraphs: str) -> str:
    return f'<w:{element} xmlns:w="{_MAIN}">{paragraphs}</w:{element}>'


def _footer(every: EveryPage) -> str:
    # The numbers are Word's to fill in: fields of their own, never of other people's text.
    before, between, after = re.split("{page}|{pages}", every.page)
    number, count = (f'<w:fldSimple w:instr=" {name} "><w:r><w:t>1</w:t></w:r></w:fldSimple>' for name in _FIELDS)
    counted = _run(Run(before)) + number + _run(Run(between)) + count + _run(Run(after))
    right = '<w:pPr><w:jc w:val="right"/></w:pPr>'
    return f"{_paragraph([Run(every.below, faint=True)])}<w:p>{right}{counted}</w:p>"


_FIELDS = ("PAGE", "NUMPAGES")


def _styles(language: str) -> str:
    normal = f'<w:rPr><w:sz w:val="22"/><w:lang w:val={quoteattr(language)}/></w:rPr>'
    spacing = '<w:pPr><w:spacing w:after="120"/></w:pPr>'
    return (
        f'<w:styles xmlns:w="{_MAIN}">'
        f"<w:docDefaults><w:rPrDefault>{normal}</w:rPrDefault><w:pPrDefault>{spacing}</w:pPrDefault></w:docDefaults>"
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Normal"/>'
        '<w:rPr><w:b/><w:sz w:val="32"/></w:rPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/><w:basedOn w:val="Normal"/>'
        '<w:pPr><w:keepNext/><w:spacing w:before="280" w:after="80"/><w:outlineLvl w:val="0"/></w:pPr>'
        '<w:rPr><w:b/><w:sz w:val="26"/></w:rPr></w:style>'
        '<w:style w:type="paragraph" w:styleId="ListBullet"><w:name w:val="List Bullet"/><w:basedOn w:val="Normal"/>'
        '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr><w:spacing w:after="60"/></w:pPr></w:style></w:styles>'
    )


def _numbering() -> str:
    return (
        f'<w:numbering xmlns:w="{_MAIN}"><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:start w:val="1"/>'
        '<w:numFmt w:val="bullet"/><w:pStyle w:val="ListBullet"/><w:lvlText w:val="•"/><w:lvlJc w:val="left"/>'
        '<w:pPr><w:ind w:left="360" w:hanging="360"/></w:pPr></w:lvl></w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )


def _core(title: str, language: str) -> str:
    return (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{_text(title)}</dc:title><dc:language>{_text(language)}</dc:language></cp:coreProperties>"
    )


def _content_types(parts: Iterable[str]) -> str:
    overrides = "".join(f'<Override PartName="/{part}" ContentType="{_content_type(part)}"/>' for part in parts)
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{overrides}</Types>"
    )


def _content_type(part: str) -> str:
    name = part.rpartition("/")[2].removesuffix(".xml").rstrip("1")
    return _CORE if name == "core" else f"{_TYPES}.{name}{'.main' if name == 'document' else ''}+xml"


def _relationships(parts: Iterable[str], folder: str) -> str:
    every = "".join(
        f'<Relationship Id="{part.rpartition("/")[2].removesuffix(".xml")}" '
        f'Type="{(_FROM_PACKAGE | _FROM_DOCUMENT)[part]}" Target="{part.removeprefix(folder)}"/>'
        for part in parts
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{every}</Relationships>'
