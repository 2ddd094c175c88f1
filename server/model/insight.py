"""What the words mean, and which words say so."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from .consultation import Frozen
from .tip_kind import TipKind as TipKind


class Audience(StrEnum):
    """Who may see it."""

    CLINICIAN = "clinician"
    PATIENT = "patient"
    ALL = "all"


class TipMark(StrEnum):
    """What its reader did with a tip."""

    USEFUL = "useful"
    DISMISSED = "dismissed"
    DONE = "done"


class Evidence(Frozen):
    """Words that support a statement: `quote` stands literally in the utterance's text."""

    utterance_id: str
    quote: str = ""
    start_s: float = 0.0
    end_s: float = 0.0


class Tip(Frozen):
    """One piece of advice, and the utterances it rests on.

    An answer names the question: its id, and its words. Whatever is not released has `audience` clinician.
    """

    id: str = Field(min_length=1, max_length=64)
    kind: TipKind
    audience: Audience
    text: str = Field(min_length=1, max_length=2000)
    urgent: bool = False
    subject: str = ""
    evidence: tuple[Evidence, ...] = ()
    model: str = ""
    latency_s: float = 0.0
    question_id: str = ""
    question: str = ""
