"""Consultations to measure on: references with a list of entities, dialogues with every entity marked, notes.

Three kinds of file: `reference.json` (turns, and the entities anywhere in them), `*.json` of PriMock57 (utterances and
the clinician's note), `*.txt` (a turn a line, `[words]{S-}` for each entity; tests/fixtures/dialogues/README.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...model.consultation import Agent, Role
from ...model.entities import Assertion, EntityCategory
from ...model.insight import TipKind
from ...model.transcript import Utterance
from ..port import Dialogue
from ..providers.rules import Rules

LETTERS = {
    "S": EntityCategory.SYMPTOM,
    "D": EntityCategory.DIAGNOSIS,
    "M": EntityCategory.MEDICATION,
    "K": EntityCategory.MEDICATION_CLASS,
    "O": EntityCategory.MEDICATION_FORM,
    "Y": EntityCategory.MEDICATION_ROUTE,
    "Q": EntityCategory.DOSAGE,
    "F": EntityCategory.FREQUENCY,
    "X": EntityCategory.EXAMINATION,
    "V": EntityCategory.MEASUREMENT,
    "T": EntityCategory.TREATMENT,
    "B": EntityCategory.BODY,
    "A": EntityCategory.ALLERGEN,
    "G": EntityCategory.AGE,
    "W": EntityCategory.TIME,
    "R": EntityCategory.FAMILY,
    "U": EntityCategory.SUBSTANCE,
}
SIGNS = {
    "": Assertion.AFFIRMED,
    "-": Assertion.NEGATED,
    "?": Assertion.POSSIBLE,
    "+": Assertion.FAMILY,
    "<": Assertion.PAST,
    "~": Assertion.ASKED,
    "^": Assertion.SUPPOSED,
}
_MARKED = re.compile(r"\[([^\]]+)\]\{([A-Z])([-?+<~^]?)\}")
_UNCERTAIN = re.compile(r"</?UNSURE>|<UNIN/>|<INAUDIBLE_SPEECH/>|<[A-Z_]+/?>")


@dataclass(frozen=True, slots=True)
class Marked:
    """An entity as a person marked it; without a place where only its words are known."""

    category: EntityCategory
    text: str
    assertion: Assertion
    utterance_id: str = ""
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Consultation:
    """One dialogue and what is known of it. `everywhere`: every mention is marked, at its place.

    `red_flags` are what must be raised, each as the subjects that would do; None where nobody has said.
    """

    name: str
    language: str
    utterances: tuple[Utterance, ...]
    marked: tuple[Marked, ...] = ()
    everywhere: bool = False
    note: str = ""
    red_flags: tuple[frozenset[str], ...] | None = None


def consultations(folder: Path) -> Iterator[Consultation]:
    """Return every consultation below `folder`, in order."""
    for path in sorted(folder.rglob("*")):
        if path.name == "reference.json":
            yield _reference(path.parent.name, json.loads(path.read_text("utf-8")))
        elif path.suffix == ".json":
            content = json.loads(path.read_text("utf-8"))
            if isinstance(content, dict) and "utterances" in content:
                yield _with_note(path.stem, content)
        elif path.suffix == ".txt" and (text := path.read_text("utf-8")).startswith("# language:"):
            yield dialogue(path.stem, text)


def dialogue(name: str, text: str) -> Consultation:
    """Return a dialogue whose entities are marked in the text."""
    language = text.splitlines()[0].partition(":")[2].strip()
    utterances: list[Utterance] = []
    marked: list[Marked] = []
    for line in text.splitlines():
        if line[:2] not in ("c:", "p:"):
            continue
        said = line[2:].strip()
        utterance_id = f"{name}-{len(utterances)}"
        plain, at = "", 0
        for match in _MARKED.finditer(said):
            plain += said[at : match.start()]
            start = len(plain)
            plain += match[1]
            marked.append(Marked(LETTERS[match[2]], match[1], SIGNS[match[3]], utterance_id, start, len(plain)))
            at = match.end()
        role = Role.CLINICIAN if line[0] == "c" else Role.PATIENT
        utterances.append(_utterance(utterance_id, role, len(utterances), plain + said[at:], language))
    flags = next((line.partition(":")[2] for line in text.splitlines() if line.startswith("# red_flags:")), None)
    return Consultation(
        name,
        language,
        tuple(utterances),
        tuple(marked),
        everywhere=True,
        red_flags=None if flags is None else named(flags),
    )


def named(flags: str) -> tuple[frozenset[str], ...]:
    """Return red flags by the names of their rules: "a | b, c"; "none"."""
    groups = (group.split("|") for group in flags.split(",") if group.strip() != "none")
    return tuple(frozenset(f"red_flag.{one.strip()}" for one in group) for group in groups)


def _reference(name: str, content: dict[str, Any]) -> Consultation:
    language = str(content.get("language", "pt"))[:2]
    utterances = tuple(
        _utterance(f"{name}-{i}", Role(turn["speaker"]), i, turn["text"], language)
        for i, turn in enumerate(content["turns"])
    )
    marked = tuple(
        Marked(
            EntityCategory(entity["category"]),
            entity["text"],
            Assertion.AFFIRMED if entity.get("affirmed", True) else Assertion.NEGATED,
        )
        for entity in content.get("entities", ())
    )
    told = content.get("red_flags")
    flags = None if told is None else tuple(described(text, language) for text in told)
    return Consultation(name, language, utterances, marked, red_flags=flags)


def described(text: str, language: str) -> frozenset[str]:
    """Return the red flags that a sentence describes, as the rules read it."""
    said = (_utterance("described", Role.PATIENT, 0, text, language),)
    tips = Rules().tips(Dialogue("auto", said, Agent(id="bench", name="Bench")))
    return frozenset(tip.subject for tip in tips if tip.kind is TipKind.RED_FLAG)


def _with_note(name: str, content: dict[str, Any]) -> Consultation:
    utterances = []
    for i, said in enumerate(content["utterances"]):
        role = Role.CLINICIAN if said["role"] == "doctor" else Role.PATIENT
        text = " ".join(_UNCERTAIN.sub(" ", said["text"]).split())
        if text:
            utterances.append(_utterance(f"{name}-{i}", role, i, text, "en"))
    note = content.get("note") or {}
    return Consultation(name, "en", tuple(utterances), note=str(note.get("note", "")))


def _utterance(utterance_id: str, role: Role, i: int, text: str, language: str) -> Utterance:
    return Utterance(id=utterance_id, role=role, start_s=4.0 * i, end_s=4.0 * i + 3.0, text=text, language=language)
