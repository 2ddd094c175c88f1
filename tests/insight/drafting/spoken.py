"""Small dialogues to notes, drafts and checks, for tests."""

from __future__ import annotations

from server.insight.drafting.check import Checker
from server.insight.drafting.extractive import draft
from server.insight.drafting.notes import Notes
from server.insight.drafting.templates import template
from server.model.insight import Evidence
from server.model.report import Origin, Section, Statement
from tests.insight.spoken import utterances


def notes(*turns: str, language: str = "pt") -> Notes:
    return Notes(utterances(turns, language))


def drafted(*turns: str, language: str = "pt", form: str = "soap") -> dict[str, list[str]]:
    """Return the texts of each section."""
    sections = draft(notes(*turns, language=language), template(form, language))
    return {one.id: [statement.text for statement in one.statements] for one in sections}


def texts(*turns: str, language: str = "pt", form: str = "soap") -> list[str]:
    return [text for of in drafted(*turns, language=language, form=form).values() for text in of]


def statements(sections: tuple[Section, ...]) -> list[Statement]:
    return [one for section in sections for one in section.statements]


def cited(text: str, *quotes: tuple[int, str]) -> Statement:
    """Return a model's statement that cites `quotes`: the number of a turn, and words."""
    proof = tuple(Evidence(utterance_id=f"u{turn}", quote=quote) for turn, quote in quotes)
    return Statement(id="s", text=text, evidence=proof, origin=Origin.MODEL)


def checked(said: Notes, text: str, *quotes: tuple[int, str], language: str = "pt") -> Statement:
    return Checker(said, language).check(cited(text, *quotes))
