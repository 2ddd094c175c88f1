"""WebVTT, SubRip and text, whatever was said."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from server.model.consultation import Role
from server.model.transcript import Utterance
from server.web.transcript_formats import Speakers, as_srt, as_text, as_vtt

from .fakes import CONSULTATION, filled_store

NAMES = {Role.CLINICIAN: "Dra. Ana", Role.PATIENT: "Maria <b>"}
SAID = sorted(filled_store().said[CONSULTATION], key=lambda spoken: spoken.start_s)


def speakers(language: str = "pt") -> Speakers:
    return Speakers.of(language, NAMES, SAID)  # type: ignore[arg-type]


def test_webvtt_names_voices_and_escapes_markup() -> None:
    assert as_vtt(SAID, speakers()) == (
        "WEBVTT\n\n"
        "1\n00:00:01.000 --> 00:00:03.250\n<v Profissional de saúde (Dra. Ana)>Bom dia.</v>\n\n"
        "2\n00:00:03.500 --> 00:00:05.000\n"
        "<v Paciente (Maria &lt;b&gt;)>Dói aqui &amp; &lt;ali&gt; --&gt;</v>\n"
    )


def test_subrip_names_speakers_and_holds_neither_markup_nor_a_second_arrow() -> None:
    assert as_srt(SAID, speakers("en")) == (
        "1\n00:00:01,000 --> 00:00:03,250\nClinician (Dra. Ana): Bom dia.\n\n"
        "2\n00:00:03,500 --> 00:00:05,000\nPatient (Maria ‹b›): Dói aqui & ‹ali› --›\n"
    )


def test_text_has_a_line_for_each_utterance() -> None:
    assert as_text(SAID, speakers()) == (
        "[00:00:01] Profissional de saúde (Dra. Ana): Bom dia.\n[00:00:03] Paciente (Maria <b>): Dói aqui & <ali> -->\n"
    )


def test_a_detected_language_names_the_seats_in_what_was_spoken() -> None:
    assert speakers("auto").labels[Role.PATIENT] == "Paciente (Maria <b>)"
    assert Speakers.of("auto", {}, []).labels[Role.PATIENT] == "Patient"


def test_long_consultations_count_hours() -> None:
    late = Utterance(id="u", role=Role.PATIENT, start_s=5_400.0015, end_s=5_401, text="Sim", language="pt")
    assert "01:30:00.002 --> 01:30:01.000" in as_vtt([late], speakers())


@given(
    st.lists(
        st.builds(
            Utterance,
            id=st.just("u"),
            role=st.sampled_from(Role),
            start_s=st.floats(-10, 400_000),
            end_s=st.floats(-10, 400_000),
            text=st.text(st.characters(exclude_categories=["Cs"])),
            language=st.just("pt"),
        ),
        max_size=5,
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_no_words_or_name_break_a_file_apart(said: list[Utterance], name: str) -> None:
    labels = Speakers.of("pt", {Role.PATIENT: name}, said)
    vtt = as_vtt(said, labels)
    blocks = vtt.removesuffix("\n").split("\n\n")
    assert len(blocks) == len(said) + 1
    for block in blocks[1:]:
        number, times, cue = block.split("\n")
        assert number.isdigit()
        start, end = re.fullmatch(r"(\d+:\d\d:\d\d\.\d{3}) --> (\d+:\d\d:\d\d\.\d{3})", times).groups()  # type: ignore[union-attr]
        assert [int(part) for part in re.split("[:.]", start)] < [int(part) for part in re.split("[:.]", end)]
        assert re.fullmatch(r"<v [^<>]*>[^<>]*</v>", cue)
    assert as_srt(said, labels).count("-->") == len(said)
    assert len(as_text(said, labels).splitlines()) == len(said)
