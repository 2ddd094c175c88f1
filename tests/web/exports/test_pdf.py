"""The PDF: every page inside its margins, numbered and marked; text that can be read back; nothing that acts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.pdfbase.pdfmetrics import stringWidth

from server.model.report import Section
from server.web.exports.clean import line
from server.web.exports.dossier import Dossier
from server.web.exports.pdf import to_pdf
from server.web.exports.pdf_layout import BOTTOM, HEIGHT, SIDE, TOP, WIDTH, fitting
from server.web.exports.pdf_text import REGULAR, falls_short, load_fonts, markup, plain

from .generated import HIDDEN, dossiers
from .samples import dossier, signed, statement


@contextmanager
def opened(document: bytes) -> Iterator[pypdfium2.PdfDocument]:
    pdf = pypdfium2.PdfDocument(document)
    try:
        yield pdf
    finally:
        pdf.close()


def pages(document: bytes) -> list[str]:
    """Return the text of each page as a reader copies it, in one line."""
    with opened(document) as pdf:
        return [" ".join(page.get_textpage().get_text_bounded().split()) for page in pdf]


def unspaced(text: str) -> str:
    return "".join(text.split())


def with_texts(*texts: str, **changes: object) -> Dossier:
    said = tuple(statement(number, text, ("u2", "u5")) for number, text in enumerate(texts))
    return dossier(sections=(Section(id="one", title="Um", statements=said),), **changes)


def test_the_sample_is_one_page_that_can_be_read_back() -> None:
    (page,) = pages(to_pdf(dossier()))
    for words in (
        "Consulta: dor no peito",
        "Paciente: Maria José",
        "Avaliação",
        "Usa losartana 50 mg de 12 em 12 h. [12:03]",
        "[12:03] Paciente: “Tomo losartana de cinquenta miligramas de doze em doze horas.”",
        "Angina a esclarecer. [confirmado]",
        "Nada registrado.",
        "Página 1 de 1",
    ):
        assert words in page
    assert "inventada" not in page


def test_it_names_its_title_and_language() -> None:
    document = to_pdf(dossier())
    with opened(document) as pdf:
        assert pdf.get_metadata_value("Title") == "Consulta: dor no peito"
        assert [one.get_title() for one in pdf.get_toc()] == [
            *("Subjetivo", "Objetivo", "Avaliação", "Plano", "Onde foi dito"),
        ]
    assert b"/Lang (pt-BR)" in document
    assert b"/Lang (en)" in to_pdf(dossier(language="en"))


def test_its_letters_are_embedded() -> None:
    assert len(re.findall(rb"/FontFile2 ", to_pdf(dossier()))) == 2


def test_every_page_of_a_draft_says_that_it_is_one_and_its_number() -> None:
    texts = pages(to_pdf(with_texts(*["Uma frase que se repete. " * 60] * 8)))
    assert len(texts) > 2
    for number, page in enumerate(texts, 1):
        assert page.startswith("Rascunho, não assinado")
        assert f"Página {number} de {len(texts)}" in page


def test_every_page_of_a_signed_one_says_who_when_and_the_hash() -> None:
    long = with_texts(*["Uma frase que se repete. " * 60] * 8, status="signed", signature=signed().report.signature)
    texts = pages(to_pdf(long))
    assert len(texts) > 2
    for page in texts:
        assert page.startswith("Assinado por Dra. Ana Conceição · 01/03/2026, 11:30 (UTC−03:00) · SHA-256 0123456789ab")
        assert "Rascunho" not in page
    assert "SHA-256 da gravação patient.ogg: " + "d" * 64 in "".join(texts)


def check_inside(document: bytes) -> None:
    """Hold that no letter reaches into the margins, but those that stand on every page."""
    with opened(document) as pdf:
        for page in pdf:
            assert page.get_size() == pytest.approx((WIDTH, HEIGHT), abs=0.1)
            text = page.get_textpage()
            for index in range(text.count_chars()):
                left, bottom, right, top = text.get_charbox(index)
                assert left >= SIDE - 2
                assert right <= WIDTH - SIDE + 2
                assert bottom >= BOTTOM - 40
                assert top <= HEIGHT - TOP + 40


@pytest.mark.parametrize("words", ["w" * 4000, "W" * 3999, "palavra " * 490, "a/b" * 1300, "ção" * 1300])
def test_endless_words_stay_inside_the_margins(words: str) -> None:
    document = to_pdf(with_texts(words, title=words, status="signed", signature=signed().report.signature))
    check_inside(document)
    assert unspaced(words.strip())[:300] in unspaced("".join(pages(document)))


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(dossiers)
def test_whatever_a_report_holds_it_is_drawn_inside_the_margins_and_does_nothing(made: Dossier) -> None:
    document = to_pdf(made)
    check_inside(document)
    assert not re.search(rb"/(URI|JavaScript|JS|Launch|SubmitForm|GoToR|EmbeddedFile|AA|OpenAction)\b", document)
    assert HIDDEN not in unspaced("".join(pages(document)))


def test_markup_in_what_was_written_is_shown_and_does_nothing() -> None:
    written = (
        "<b>a</b> <font color='red'>b</font> <a href='http://example.org'>c</a> &amp; &#65; <img src='/etc/passwd'/>"
    )
    document = to_pdf(with_texts(written))
    assert unspaced(written) in unspaced("".join(pages(document)))
    assert b"example.org" not in document


def test_the_same_report_makes_the_same_bytes() -> None:
    assert to_pdf(dossier()) == to_pdf(dossier())


PORTUGUESE = "áàâãéêíóôõúüç ÁÀÂÃÉÊÍÓÔÕÚÜÇ ñ º ª § € £ “”‘’ – — … • ° ± ≤ ≥ ≠ ≈ ½ ¼ ² ³ × ÷ µ ‰ ™ ® « »"


def test_every_portuguese_letter_is_drawn_as_it_is() -> None:
    assert not falls_short(PORTUGUESE)
    assert unspaced(PORTUGUESE) in unspaced("".join(pages(to_pdf(with_texts(PORTUGUESE)))))


def test_greek_letters_and_arrows_are_drawn() -> None:
    document = to_pdf(with_texts("β-hCG 5 → 10, α-bloqueador"))
    assert "β-hCG 5 → 10, α-bloqueador" in "".join(pages(document))
    assert "[?]" not in "".join(pages(document))


def test_what_no_font_has_is_said_to_be_missing() -> None:
    page = "".join(pages(to_pdf(with_texts("Jiří 😀😀 שלום fim SpO₂"))))
    assert "Jirí [?] [?] fim SpO2" in page
    assert "Este PDF não desenha todos os caracteres do original" in page
    assert "Este PDF não desenha" not in "".join(pages(to_pdf(dossier())))


@given(st.text())
def test_any_text_becomes_markup_of_letters_that_the_fonts_have(text: str) -> None:
    known = load_fonts()
    made = re.sub(r'<font name="Symbol">[^<>]+</font>', "", markup(line(text)))
    assert "<" not in made
    assert ">" not in made
    assert set(made) <= known
    assert set(plain(line(text))) <= known


@given(st.text(max_size=300), st.floats(10, 400))
def test_a_line_that_is_too_long_is_cut_to_its_room(text: str, width: float) -> None:
    fitted = fitting(line(text), REGULAR, 8, width)
    assert stringWidth(fitted, REGULAR, 8) <= width
    if stringWidth(plain(line(text)), REGULAR, 8) <= width:
        assert fitted == plain(line(text))
