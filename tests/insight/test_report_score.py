"""Drafts are measured against what they must prove and what a clinician noted."""

from __future__ import annotations

from dataclasses import replace

from server.insight.measure.consultations import dialogue
from server.insight.measure.report_score import LONG_WORDS, reports

TALK = dialogue(
    "talk",
    "# language: en\nc: What brings you in?\np: I have a headache since yesterday.\nc: Any fever?\np: No.\n"
    "c: I'll prescribe paracetamol twice a day.",
)


def test_what_a_note_names_is_covered_where_the_draft_names_it() -> None:
    noted = replace(TALK, note="Headache since yesterday, no fever.\nParacetamol.\nHas asthma.")
    measured = reports([noted])
    assert measured["note_concepts"] == 4
    assert measured["note_covered"] == 0.75
    assert measured["missed"] == {"asthma": 1}


def test_every_statement_of_a_draft_is_proved() -> None:
    measured = reports([TALK])
    assert measured["evidence"] == 1.0
    assert measured["statements"]
    assert "note_covered" not in measured


def test_a_long_consultation_is_made_of_those_there_are() -> None:
    measured = reports([TALK] * 3)
    assert measured["long_utterances"] == 3 * len(TALK.utterances)
    assert 0 < int(str(measured["long_words"])) < LONG_WORDS
