"""A Word document of plain paragraphs, written with the standard library alone. Pure.

Source: ECMA-376 (Office Open XML): part 1 for the body, part 2 for the package. Only what a reader needs.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

_MAIN = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# What XML 1.0 cannot say, not even as a reference.
_UNSAYABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EPOCH = (1980, 1, 1, 0, 0, 0)

CONTENT_TYPE = f"{_TYPES}.document"


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text in one manner."""

    text: str
    bold: bool = False
    faint: bool = False


Paragraph = Sequence[Run]


def docx(title: str, paragraphs: Iterable[Paragraph], language: str) -> bytes:
    """Return a document headed by `title`, in `language` (a BCP 47 tag). The same contents make the same bytes."""
    parts = {
        "[Content_Types].xml": _content_types(),
        "_rels/.rels": _relationships("officeDocument", "word/document.xml"),
        "word/document.xml": _document(title, paragraphs),
        "word/styles.xml": _styles(language),
        "word/_rels/document.xml.rels": _relationships("styles", "styles.xml"),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(zipfile.ZipInfo(name, _EPOCH), _HEAD + content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _document(title: str, paragraphs: Iterable[Paragraph]) -> str:
    body = [_paragraph([Run(title)], style="Title"), *(_paragraph(paragraph) for paragraph in paragraphs)]
    return f'<w:document xmlns:w="{_MAIN}"><w:body>{"".join(body)}<w:sectPr/></w:body></w:document>'


def _paragraph(runs: Paragraph, style: str = "") -> str:
    manner = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{manner}{''.join(_run(run) for run in runs)}</w:p>"


def _run(run: Run) -> str:
    manner = ("<w:b/>" if run.bold else "") + ('<w:color w:val="595959"/>' if run.faint else "")
    text = escape(_UNSAYABLE.sub("\ufffd", run.text))
    return f'<w:r>{f"<w:rPr>{manner}</w:rPr>" if manner else ""}<w:t xml:space="preserve">{text}</w:t></w:r>'


def _styles(language: str) -> str:
    normal = f'<w:rPr><w:sz w:val="22"/><w:lang w:val={quoteattr(language)}/></w:rPr>'
    spacing = '<w:pPr><w:spacing w:after="120"/></w:pPr>'
    return (
        f'<w:styles xmlns:w="{_MAIN}">'
        f"<w:docDefaults><w:rPrDefault>{normal}</w:rPrDefault><w:pPrDefault>{spacing}</w:pPrDefault></w:docDefaults>"
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
        '<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Normal"/>'
        '<w:rPr><w:b/><w:sz w:val="32"/></w:rPr></w:style></w:styles>'
    )


def _content_types() -> str:
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_TYPES}.document.main+xml"/>'
        f'<Override PartName="/word/styles.xml" ContentType="{_TYPES}.styles+xml"/></Types>'
    )


def _relationships(kind: str, target: str) -> str:
    return (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/{kind}" Target="{target}"/></Relationships>'
    )
