"""Read a knowledge file: what to recognise in one language, and what to say about it."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from ..model.consultation import Frozen
from .phrases import Lexicon
from .scope import CUES

FOLDER = Path(__file__).parent / "knowledge"

Group = tuple[str, ...]
"""Concepts any of which will do."""


class _Rule(Frozen):
    subject: str
    text: str


class RedFlag(_Rule):
    """Raised when the patient says something of every group in `all`."""

    all: tuple[Group, ...] = Field(min_length=1)
    urgent: bool = True
    window_s: float = 900.0

    @field_validator("all", mode="before")
    @classmethod
    def _split(cls, value: list[str]) -> list[list[str]]:
        return [[concept.strip() for concept in group.split("|")] for group in value]


class Unasked(_Rule):
    """Raised when the clinician comes to one of `when` and nobody has spoken of any of `unless`."""

    when: Group
    unless: Group
    given: Group = ()
    after_turns: int = 4


class Action(_Rule):
    """Something the clinician says will be done.

    With `announced`, only after words of intent; with `after`, only soon after the patient said that.
    """

    concept: str
    announced: bool = True
    after: str = ""


class Explanation(_Rule):
    """What an announced examination is, in plain words for the patient; the clinician decides whether they get it."""

    concept: str


class Answers(Frozen):
    """How to answer a question by quoting. `about`: words that ask for a whole category; `ignored` ask for nothing."""

    quote: str
    not_said: str
    speakers: dict[str, str]
    ignored: tuple[str, ...]
    about: dict[str, tuple[str, ...]]


class Aspect(Frozen):
    """One thing worth knowing of a symptom, and how to ask for it."""

    concept: str
    ask: str


class FollowUp(_Rule):
    """Raised when nobody speaks of some `aspects` within `after_turns` of the symptom. `{missing}` lists them."""

    when: Group
    aspects: tuple[Aspect, ...]
    after_turns: int = 8


class Conflict(_Rule):
    """Raised when the patient has said one of `given` and the clinician proposes a medicine of a `families`."""

    given: Group
    families: Group


class Medicine(Frozen):
    """One substance: its names as spoken, the families it shares allergies and dangers with."""

    id: str
    name: str
    words: tuple[str, ...]
    families: Group = ()


class AllergyRule(Frozen):
    """What to say when a medicine meets an allergy. `{allergen}` and `{medicine}` are filled in."""

    text: str


class SmallTalk(Frozen):
    """Words that by themselves call for nothing."""

    courtesies: tuple[str, ...]
    answers: tuple[str, ...]


class Knowledge(Frozen):
    """One language's file, checked."""

    never_skipped: tuple[str, ...]
    small_talk: SmallTalk
    scope: dict[str, tuple[str, ...]]
    concepts: dict[str, tuple[str, ...]]
    exclusions: dict[str, tuple[str, ...]]
    medicines: tuple[Medicine, ...]
    allergy_conflict: AllergyRule
    red_flag: tuple[RedFlag, ...]
    unasked: tuple[Unasked, ...]
    action: tuple[Action, ...]
    follow_up: tuple[FollowUp, ...]
    conflict: tuple[Conflict, ...]
    explanation: tuple[Explanation, ...]
    answers: Answers

    @model_validator(mode="after")
    def _names_exist(self) -> Knowledge:
        used = {c for rule in self.red_flag for group in rule.all for c in group}
        used |= {c for rule in self.unasked for c in (*rule.when, *rule.unless, *rule.given)}
        used |= {rule.concept for rule in self.explanation}
        used |= {name for rule in self.action for name in (rule.concept, rule.after) if name}
        used |= {c for rule in self.follow_up for c in (*rule.when, *(a.concept for a in rule.aspects))}
        used |= {c for conflict in self.conflict for c in conflict.given} | set(self.exclusions)
        if missing := used - set(self.concepts):
            raise ValueError(f"rules name concepts that are not in [concepts]: {', '.join(sorted(missing))}")
        if unknown := set(self.scope) ^ set(CUES):
            raise ValueError(f"[scope] must have exactly the known cues; differs in: {', '.join(sorted(unknown))}")
        return self

    def lexicon(self) -> Lexicon:
        """Compile everything this language recognises."""
        phrases = {f"concept.{name}": group for name, group in self.concepts.items()}
        phrases |= {f"not.{name}": group for name, group in self.exclusions.items()}
        phrases |= {f"scope.{name}": group for name, group in self.scope.items()}
        phrases |= {f"medicine.{medicine.id}": medicine.words for medicine in self.medicines}
        return Lexicon(phrases, self.never_skipped)


def kind_and_name(name: str) -> tuple[str, str]:
    """Return what a match of the lexicon is ("scope", "medicine", "not" or "concept") and its name."""
    kind, _, rest = name.partition(".")
    return kind, rest


@cache
def load(language: str) -> Knowledge:
    """Return the checked knowledge of `language` ("pt" or "en").

    Raises:
        ValueError: If the file does not fit; packaged files are tested, so only an edited one can.
    """
    return Knowledge.model_validate(tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8")))


@cache
def lexicon(language: str) -> Lexicon:
    """Return the compiled phrases of `language`."""
    return load(language).lexicon()
