"""Report templates: files in ../templates/<language>/, one a kind of report; phrases.<language>.toml has the words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path

from pydantic import Field, model_validator

from ...model.consultation import Frozen
from ...model.errors import NotFound
from ..text import tokenize

FOLDER = Path(__file__).parents[1] / "templates"
DEFAULT = "soap"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class Kind(StrEnum):
    """What a statement drafted by the rules is about."""

    COMPLAINT = "complaint"
    RED_FLAG = "red_flag"
    SYMPTOM = "symptom"
    SYMPTOM_POSSIBLE = "symptom_possible"
    SYMPTOM_PAST = "symptom_past"
    SYMPTOM_DENIED = "symptom_denied"
    HISTORY = "history"
    HISTORY_PAST = "history_past"
    HISTORY_DENIED = "history_denied"
    FAMILY = "family"
    MEDICATION = "medication"
    MEDICATION_PAST = "medication_past"
    MEDICATION_DENIED = "medication_denied"
    ALLERGY = "allergy"
    ALLERGY_POSSIBLE = "allergy_possible"
    ALLERGY_DENIED = "allergy_denied"
    HABIT = "habit"
    HABIT_PAST = "habit_past"
    HABIT_DENIED = "habit_denied"
    TREATMENT = "treatment"
    TREATMENT_PAST = "treatment_past"
    MEASUREMENT = "measurement"
    EXAM_DONE = "exam_done"
    HYPOTHESIS = "hypothesis"
    ASSESSMENT = "assessment"
    EXAM_PLANNED = "exam_planned"
    PRESCRIBED = "prescribed"
    AVOIDED = "avoided"
    TREATMENT_PLANNED = "treatment_planned"
    PLAN = "plan"


class TemplateSection(Frozen):
    """One heading: its LOINC code, what the rules put below it, in this order, and what a model is told of it."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    title: str
    code: str = ""
    takes: tuple[Kind, ...] = ()
    about: str = ""


class Template(Frozen):
    """A kind of report. `phrases` replaces some of the language's, where a report speaks to somebody else."""

    id: str
    language: str
    title: str
    audience: str = "clinician"
    section: tuple[TemplateSection, ...] = Field(min_length=1)
    phrases: Mapping[Kind, str] = {}

    @model_validator(mode="after")
    def _sections_differ(self) -> Template:
        if len({one.id for one in self.section}) != len(self.section):
            raise ValueError("two sections have the same id")
        return self


class Cues(Frozen):
    """The words with which reports say how a thing stands."""

    denied: tuple[str, ...]
    family: tuple[str, ...]
    past: tuple[str, ...]
    possible: tuple[str, ...]
    hedges: tuple[str, ...]
    address: tuple[str, ...]
    sides: tuple[tuple[str, ...], ...]
    negations: tuple[str, ...]
    own_words: tuple[str, ...]


class Phrases(Frozen):
    """How statements are put in one language, and how the checker reads them."""

    statement: Mapping[Kind, str]
    cues: Cues
    doubts: Mapping[str, str]
    heard: str
    place: str

    @model_validator(mode="after")
    def _complete(self) -> Phrases:
        if missing := set(Kind) - set(self.statement):
            raise ValueError(f"[statement] lacks {', '.join(sorted(missing))}")
        return self


@cache
def template(name: str, language: str) -> Template:
    """Return the template `name` of `language` ("pt" or "en").

    Raises:
        NotFound: If there is none of that name.
        ValueError: If the file does not fit; packaged files are tested, so only an edited one can.
    """
    path = FOLDER / language / f"{name}.toml"
    if not NAME.fullmatch(name) or not path.is_file():
        raise NotFound(f"There is no report template {name[:32]!r}: use {', '.join(names(language))}.")
    return Template.model_validate(tomllib.loads(path.read_text("utf-8")) | {"id": name, "language": language})


def names(language: str) -> tuple[str, ...]:
    """Return the templates of `language`, the default first."""
    found = sorted(path.stem for path in (FOLDER / language).glob("*.toml"))
    return tuple(sorted(found, key=lambda name: name != DEFAULT))


@cache
def phrases(language: str) -> Phrases:
    """Return the words that reports of `language` are made of."""
    return Phrases.model_validate(tomllib.loads((FOLDER / f"phrases.{language}.toml").read_text("utf-8")))


@cache
def own_words(language: str) -> frozenset[str]:
    """Return the words that reports of `language` bring in themselves, as tokens have them."""
    known = phrases(language)
    patterns = [*known.statement.values(), known.heard, known.place]
    for name in names(language):
        patterns += template(name, language).phrases.values()
    text = " ".join(re.sub(r"{\w+}", " ", pattern) for pattern in patterns)
    return frozenset(token.norm for token in tokenize(f"{text} {' '.join(known.cues.own_words)}").tokens)
