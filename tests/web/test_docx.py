"""The Word document opens again and holds what was said, whatever that was."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from server.model.consultation import Role
from server.model.transcript import Utterance
from server.web.docx import Run, docx
from server.web.transcript_formats import Speakers, as_docx

from .fakes import CONSULTATION, filled_store

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SAID = sorted(filled_store().said[CONSULTATION], key=lambda spoken: spoken.start_s)
SPEAKERS = Speakers.of("pt", {Role.CLINICIAN: "Dra. Ana", Role.PATIENT: "Maria <b>"}, SAID)


def opened(document: bytes) -> list[str]:
    """Return the paragraphs, once the package proves whole and every part is well-formed XML."""
    with zipfile.ZipFile(io.BytesIO(document)) as package:
        assert package.testzip() is None
        parts = {name: ElementTree.fromstring(package.read(name)) for name in package.namelist()}
    declared = {part.get("PartName") for part in parts["[Content_Types].xml"] if part.get("PartName")}
    assert declared == {"/word/document.xml", "/word/styles.xml"}
    targets = [one.get("Target") for name in parts if name.endswith(".rels") for one in parts[name]]
    assert sorted(map(str, targets)) == ["styles.xml", "word/document.xml"]
    body = parts["word/document.xml"][0]
    assert [child.tag for child in body][-1] == f"{W}sectPr"
    return ["".join(text.text or "" for text in paragraph.iter(f"{W}t")) for paragraph in body.iter(f"{W}p")]


def test_it_has_a_title_and_a_paragraph_for_each_utterance() -> None:
    assert opened(as_docx(SAID, SPEAKERS, "Dor no peito")) == [
        "Transcrição: Dor no peito",
        "[00:00:01] Profissional de saúde (Dra. Ana): Bom dia.",
        "[00:00:03] Paciente (Maria <b>): Dói aqui & <ali> -->",
    ]


def test_one_in_which_nobody_spoke_has_a_title_alone() -> None:
    assert opened(as_docx([], Speakers.of("auto", {}, []), "")) == ["Transcript"]


def test_the_same_transcript_makes_the_same_bytes() -> None:
    assert as_docx(SAID, SPEAKERS, "Dor") == as_docx(SAID, SPEAKERS, "Dor")


@given(st.text(), st.text())
def test_whatever_is_said_can_be_opened_and_stays_text(title: str, text: str) -> None:
    spoken = Utterance(id="u", role=Role.PATIENT, start_s=0, end_s=1, text=text, language="pt")
    paragraphs = opened(as_docx([spoken], SPEAKERS, title))
    assert len(paragraphs) == 2
    if text.isprintable():
        assert paragraphs[1] == f"[00:00:00] Paciente (Maria <b>): {' '.join(text.split())}"


def test_what_xml_cannot_say_is_replaced() -> None:
    assert opened(docx("a\x00b", [[Run("c\x1bd\ufffe\ud800")]], "pt")) == ["a\ufffdb", "c\ufffdd\ufffd\ufffd"]
