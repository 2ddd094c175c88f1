"""The Word document: whole, on A4, with who signed it on every page, and no field of somebody else's making."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

from hypothesis import HealthCheck, given, settings

from server.web.docx import Run, docx
from server.web.exports.dossier import Dossier
from server.web.exports.sheet import Sheet
from server.web.exports.word import to_docx

from .generated import HIDDEN, dossiers
from .samples import dossier, signed

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
CONTENT = "{http://schemas.openxmlformats.org/package/2006/content-types}"
RELATED = "{http://schemas.openxmlformats.org/package/2006/relationships}"


def opened(document: bytes) -> dict[str, ElementTree.Element]:
    """Return each part, once the package proves whole: all declared, all related, all well-formed."""
    with zipfile.ZipFile(io.BytesIO(document)) as package:
        assert package.testzip() is None
        parts = {name: ElementTree.fromstring(package.read(name)) for name in package.namelist()}
    declared = {one.get("PartName") for one in parts["[Content_Types].xml"].iter(f"{CONTENT}Override")}
    related = {f"/{one.get('Target')}" for one in parts["_rels/.rels"].iter(f"{RELATED}Relationship")}
    inside = {
        one.get("Id"): f"/word/{one.get('Target')}"
        for one in parts["word/_rels/document.xml.rels"].iter(f"{RELATED}Relationship")
    }
    assert declared == related | set(inside.values())
    assert declared == {f"/{name}" for name in parts if not name.endswith(".rels") and not name.startswith("[")}
    used = {one.get(f"{R}id") for one in parts["word/document.xml"].iter() if one.get(f"{R}id")}
    assert used <= set(inside)
    return parts


def paragraphs(part: ElementTree.Element) -> list[str]:
    return ["".join(text.text or "" for text in one.iter(f"{W}t")) for one in part.iter(f"{W}p")]


def styled(part: ElementTree.Element, style: str) -> list[str]:
    return [
        "".join(text.text or "" for text in one.iter(f"{W}t"))
        for one in part.iter(f"{W}p")
        if any(named.get(f"{W}val") == style for named in one.iter(f"{W}pStyle"))
    ]


def test_the_sample_has_headings_statements_and_where_they_were_said() -> None:
    body = opened(to_docx(dossier()))["word/document.xml"]
    assert styled(body, "Title") == ["Consulta: dor no peito"]
    assert styled(body, "Heading1") == ["Subjetivo", "Objetivo", "Avaliação", "Plano", "Onde foi dito"]
    assert styled(body, "ListBullet")[2] == "Usa losartana 50 mg de 12 em 12 h. [12:03]"
    assert "[12:03] Paciente: “Tomo losartana de cinquenta miligramas de doze em doze horas.”" in paragraphs(body)


def test_a_draft_says_so_above_every_page() -> None:
    parts = opened(to_docx(dossier()))
    assert paragraphs(parts["word/header1.xml"]) == ["Rascunho, não assinado"]
    assert "Rascunho, não assinado" in paragraphs(parts["word/document.xml"])


def test_a_signed_one_says_who_and_when_above_every_page_and_all_hashes_once() -> None:
    parts = opened(to_docx(signed()))
    (above,) = paragraphs(parts["word/header1.xml"])
    assert above.startswith(
        "Assinado por Dra. Ana Conceição · 01/03/2026, 11:30 (UTC−03:00) · SHA-256 0123456789abcdef"
    )
    assert "SHA-256 da transcrição: " + "b" * 64 in paragraphs(parts["word/document.xml"])
    assert "Rascunho" not in "".join(paragraphs(parts["word/document.xml"]))


def test_pages_are_a4_and_numbered_by_word() -> None:
    parts = opened(to_docx(dossier()))
    (size,) = parts["word/document.xml"].iter(f"{W}pgSz")
    assert (size.get(f"{W}w"), size.get(f"{W}h")) == ("11906", "16838")
    fields = [one.get(f"{W}instr") for one in parts["word/footer1.xml"].iter(f"{W}fldSimple")]
    assert fields == [" PAGE ", " NUMPAGES "]
    assert paragraphs(parts["word/footer1.xml"]) == ["consultation-one · versão 2", "Página 1 de 1"]


def test_it_has_a_title_and_a_language() -> None:
    parts = opened(to_docx(dossier(language="en", title="Chest pain")))
    assert [one.text for one in parts["docProps/core.xml"]] == ["Chest pain", "en"]
    (language,) = parts["word/styles.xml"].iter(f"{W}lang")
    assert language.get(f"{W}val") == "en"


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(dossiers)
def test_whatever_a_report_holds_the_document_opens_and_shows_it_as_text(made: Dossier) -> None:
    document = to_docx(made)
    parts = opened(document)
    body, sheet = parts["word/document.xml"], Sheet.of(made)
    lines = [one for part in sheet.parts for one in part.lines]
    assert styled(body, "ListBullet")[: len(lines)] == [
        one.text + "".join(f" [{mark}]" for mark in one.marks) for one in lines
    ]
    assert styled(body, "Heading1")[: len(sheet.parts)] == [part.title for part in sheet.parts]
    assert styled(body, "Title") == [sheet.title]
    for name in ("instrText", "fldChar", "fldSimple", "hyperlink", "drawing", "object", "pict"):
        assert not list(body.iter(f"{W}{name}"))
    assert HIDDEN not in "".join(paragraphs(body))
    assert document == to_docx(made)


def test_a_document_without_edges_has_none_of_their_parts() -> None:
    assert set(opened(docx("a", [[Run("b")]], "pt"))) == {
        "[Content_Types].xml", "_rels/.rels", "word/document.xml", "word/styles.xml", "word/_rels/document.xml.rels",
    }  # fmt: skip
