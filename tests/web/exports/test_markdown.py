"""Markdown that any reader shows as it was written: no text of a person becomes markup."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from server.web.exports.clean import line
from server.web.exports.dossier import Dossier
from server.web.exports.markdown import text, to_markdown
from server.web.exports.sheet import Sheet

from .generated import HIDDEN, NASTY, dossiers
from .samples import dossier, signed

BLOCKS = {"heading", "paragraph", "bullet_list", "list_item", "inline"}
READERS = [MarkdownIt("commonmark"), MarkdownIt("js-default")]


def shown(markdown: str, reader: MarkdownIt) -> list[str]:
    """Return the text of each block, once it proves to be nothing but headings, paragraphs and lists."""
    blocks = []
    for token in reader.parse(markdown):
        assert token.type.removesuffix("_open").removesuffix("_close") in BLOCKS, token
        if token.type == "inline":
            for part in token.children or ():
                assert part.type in ("text", "text_special", "strong_open", "strong_close", "softbreak"), part
            blocks.append("".join(part.content for part in token.children or ()))
    return blocks


def expected(sheet: Sheet) -> list[str]:
    """Return the blocks that a report's Markdown shows."""
    words = sheet.words
    blocks = [sheet.title, sheet.banner, *(f"{fact.label}: {fact.value}" for fact in sheet.facts)]
    for part in sheet.parts:
        blocks.append(part.title)
        blocks += ["".join((one.text, *(f" [{mark}]" for mark in one.marks))) for one in part.lines] or [words.nothing]
    if sheet.signed:
        blocks += [words.signature, *(f"{fact.label}: {fact.value}" for fact in sheet.seal)]
    if sheet.said or sheet.confirms:
        blocks.append(words.said)
    if sheet.said:
        blocks.append(words.said_note)
    for one in sheet.said:
        spoken = (
            f"{one.speaker}: “{one.quote}”"
            if one.speaker and one.quote
            else f"“{one.quote}”"
            if one.quote
            else one.speaker
        )
        blocks.append(f"[{one.mark}] {spoken}".rstrip())
    if sheet.confirms:
        blocks.append(f"[{words.confirmed}] {words.confirmed_note}")
    return blocks if sheet.signed else [*blocks, sheet.banner]


@pytest.mark.parametrize("reader", READERS)
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=dossiers)
def test_whatever_a_report_holds_is_shown_as_text(reader: MarkdownIt, made: Dossier) -> None:
    markdown = to_markdown(made)
    assert shown(markdown, reader) == expected(Sheet.of(made))
    assert HIDDEN not in markdown


def every(test):  # type: ignore[no-untyped-def]
    for words in NASTY:
        test = example(words)(test)
    return test


@every
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_line_alone_and_in_a_list_is_shown_as_it_is(words: str) -> None:
    words = line(words)
    if words:
        for reader in READERS:
            assert shown(f"- {text(words)}\n- b", reader) == [words, "b"]
            assert shown(text(words), reader) == [words]
            assert shown(f"## {text(words)}", reader) == [words]


@every
@given(st.text())
def test_no_reader_finds_an_address_to_make_a_link_of(words: str) -> None:
    escaped = text(line(words))
    assert not re.search(r"(?i)[a-z]://|www\.|[^\\]@", f" {escaped}")


def test_the_sample_reads_well_as_it_stands() -> None:
    markdown = to_markdown(dossier())
    assert markdown.startswith("# Consulta: dor no peito\n\n**Rascunho, não assinado**\n\n- **Paciente:** Maria José\n")
    assert "\n## Subjetivo\n\n- Dor no peito há três dias, ao subir escada. \\[00:07\\]\n" in markdown
    assert markdown.endswith("\n**Rascunho, não assinado**\n")


def test_a_signed_one_is_no_draft() -> None:
    markdown = to_markdown(signed())
    assert "Rascunho" not in markdown
    assert "- **SHA-256 do relatório:** " + "a" * 64 in markdown
