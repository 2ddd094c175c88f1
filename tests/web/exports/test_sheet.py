"""What Markdown, Word and PDF show, and what none of them does."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.model.insight import Evidence
from server.model.report import Section
from server.web.exports.clean import line
from server.web.exports.sheet import Fact, Line, Sheet
from server.web.exports.wording import WORDINGS, clock, moment, written

from .samples import dossier, report, signature, signed, statement


def of_evidence(*evidence: Evidence) -> Sheet:
    said = statement(1, "Frase.").model_copy(update={"evidence": evidence})
    return Sheet.of(dossier(sections=(Section(id="one", title="Um", statements=(said,)),)))


def test_statements_that_nothing_supports_are_not_in_it() -> None:
    sheet = Sheet.of(dossier())
    assert [[one.text for one in part.lines] for part in sheet.parts] == [
        [
            "Dor no peito há três dias, ao subir escada.",
            "Nega febre.",
            "Usa losartana 50 mg de 12 em 12 h.",
            "Alergia a dipirona; hipertensão arterial.",
        ],
        ["Pressão arterial 140/90 mmHg."],
        ["Angina a esclarecer."],
        [],
    ]
    assert "inventada" not in repr(sheet)
    assert "Texto anterior" not in repr(sheet)


def test_each_statement_is_followed_by_the_times_of_its_words() -> None:
    sheet = Sheet.of(dossier())
    assert sheet.parts[0].lines[2] == Line("Usa losartana 50 mg de 12 em 12 h.", ("12:03",))
    assert sheet.parts[1].lines[0].marks == ("1:00:05",)
    assert [one.mark for one in sheet.said] == ["00:07", "00:15", "12:03", "12:21", "1:00:05"]
    assert (sheet.said[2].speaker, sheet.said[2].quote[:14]) == ("Paciente", "Tomo losartana")


def test_what_the_clinician_confirmed_says_so_instead() -> None:
    sheet = Sheet.of(dossier())
    assert sheet.parts[2].lines == (Line("Angina a esclarecer.", ("confirmado",)),)
    assert sheet.confirms
    assert not Sheet.of(dossier(sections=report().sections[:1])).confirms


def test_evidence_without_a_time_takes_its_utterances_and_without_either_is_left_out() -> None:
    sheet = of_evidence(
        Evidence(utterance_id="u5"),
        Evidence(utterance_id="gone"),
        Evidence(utterance_id="u2", start_s=float("nan"), end_s=float("inf")),
    )
    assert sheet.parts[0].lines[0].marks == ("00:07", "12:03")
    assert sheet.said[1].quote.startswith("Tomo losartana")


def test_words_of_a_transcript_that_is_gone_keep_their_time_without_a_speaker() -> None:
    sheet = of_evidence(Evidence(utterance_id="gone", quote="palavras", start_s=61.9, end_s=63.0))
    assert [(one.mark, one.speaker, one.quote) for one in sheet.said] == [("01:01", "", "palavras")]


def test_the_same_place_cited_twice_is_listed_once() -> None:
    place = Evidence(utterance_id="u2", quote="dor", start_s=7, end_s=8)
    sheet = of_evidence(place, place, place.model_copy(update={"end_s": 9.0}))
    assert sheet.parts[0].lines[0].marks == ("00:07",)
    assert len(sheet.said) == 1


def test_a_quote_within_another_of_the_same_second_is_not_listed_again() -> None:
    whole = Evidence(utterance_id="u2", quote="Tenho dor no peito há três dias", start_s=7, end_s=9)
    sheet = of_evidence(
        whole, whole.model_copy(update={"quote": "dor no peito"}), Evidence(utterance_id="u5", quote="dor")
    )
    assert [one.quote for one in sheet.said] == ["Tenho dor no peito há três dias", "dor"]


def test_a_long_quote_is_cut() -> None:
    (said,) = of_evidence(Evidence(utterance_id="u2", quote="ab " * 500, start_s=7, end_s=8)).said
    assert len(said.quote) <= 301
    assert said.quote.endswith("ab…")


def test_a_draft_says_that_it_is_not_signed_in_its_language() -> None:
    assert Sheet.of(dossier()).banner == "Rascunho, não assinado"
    assert Sheet.of(dossier(language="en")).banner == "Draft, not signed"
    assert Sheet.of(dossier(signature=signature())).seal == ()


def test_a_signed_one_says_who_when_and_the_hashes() -> None:
    sheet = Sheet.of(signed())
    assert sheet.banner == "Assinado por Dra. Ana Conceição · 01/03/2026, 11:30 (UTC−03:00) · SHA-256 0123456789abcdef…"
    assert sheet.seal[0] == Fact("Assinado por", "Dra. Ana Conceição")
    assert sheet.seal[3] == Fact("SHA-256 da assinatura", "0123456789abcdef" * 4)
    assert sheet.seal[-1] == Fact("SHA-256 da gravação patient.ogg", "d" * 64)


@pytest.mark.parametrize(
    ("language", "shown"),
    [("pt", "21/11/2026, 08:05 (UTC)"), ("en", "21 November 2026, 08:05 (UTC)")],
)
def test_dates_are_written_as_the_language_writes_them(language: str, shown: str) -> None:
    assert moment(datetime(2026, 11, 21, 8, 5, tzinfo=UTC), language) == shown  # type: ignore[arg-type]


@pytest.mark.parametrize(("minutes", "zone"), [(-180, "UTC−03:00"), (345, "UTC+05:45"), (0, "UTC")])
def test_a_time_names_its_zone(minutes: int, zone: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=timezone(timedelta(minutes=minutes)))
    assert moment(at, "en").endswith(f"({zone})")


@pytest.mark.parametrize(("time_s", "shown"), [(-3, "00:00"), (59.99, "00:59"), (723, "12:03"), (3605, "1:00:05")])
def test_times_are_minutes_and_seconds(time_s: float, shown: str) -> None:
    assert clock(time_s) == shown


def test_a_report_in_a_detected_language_is_written_in_what_was_spoken_most() -> None:
    said = dossier().utterances
    assert written("auto", said) == "pt"
    assert written("auto", [one.model_copy(update={"language": "en-US"}) for one in said]) == "en"
    assert written("auto", []) == "pt"
    assert written("en", said) == "en"


def test_both_languages_say_everything_in_words_of_their_own() -> None:
    portuguese, english = WORDINGS["pt"], WORDINGS["en"]
    for name in portuguese.__slots__:
        assert getattr(portuguese, name) != getattr(english, name), name
        assert getattr(portuguese, name)


@given(st.text())
def test_clean_text_is_one_line_of_what_can_be_seen(text: str) -> None:
    cleaned = line(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]", cleaned)
    assert line(cleaned) == cleaned == cleaned.strip()
    if text.isascii() and text.isprintable():
        assert cleaned == " ".join(text.split())


def test_clean_text_drops_what_is_no_text_and_keeps_what_is() -> None:
    assert line("a\x00b\x1b[31m c\ud800d\u202ee\U000e0041f\U0001ffffg") == "ab[31m cdefg"
    assert line("família 👨‍👩‍👧 می‌خواهم") == "família 👨‍👩‍👧 می‌خواهم"
    assert line("\u200b\u2060\ufeff") == ""
