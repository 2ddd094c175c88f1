"""What a room states about its advice beside the tips themselves; they are events like the others in `events.py`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .consultation import Frozen
from .insight import Tip

Purpose = Literal["tips", "answer"]
Outcome = Literal["answered", "nothing", "superseded", "delayed", "failed"]


class Interaction(Frozen):
    """One time that advice was asked for: of whom, at what cost, on what grounds, and what came of it.

    `prompt_version` is a hash of the instructions. `estimated`: the tokens are counted by us, from characters.
    `heard` are the utterances that were new, `sources` how each context source did, `discarded` how many proposals
    were refused, `tip_ids` what was given. It holds nothing that was said and no secret.
    """

    id: str = Field(min_length=1, max_length=64)
    purpose: Purpose
    generator: str
    model: str = ""
    prompt_version: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    latency_s: float = 0.0
    outcome: Outcome
    detail: str = ""
    heard: tuple[str, ...] = ()
    sources: dict[str, str] = Field(default_factory=dict)
    discarded: int = 0
    tip_ids: tuple[str, ...] = ()


class InteractionLogged(Frozen):
    """Advice was asked for. Kept in the database, sent to nobody."""

    type: Literal["interaction_logged"] = "interaction_logged"
    at_s: float
    interaction: Interaction


class QuestionAsked(Frozen):
    """The clinician asked something about this consultation; a tip of kind `answer` follows."""

    type: Literal["question_asked"] = "question_asked"
    at_s: float
    question_id: str
    text: str


class TipReleased(Frozen):
    """The clinician let the patient have an explanation; `tip` is as the patient gets it."""

    type: Literal["tip_released"] = "tip_released"
    at_s: float
    tip: Tip


class BudgetSpent(Frozen):
    """The chat model is asked no more in this consultation: it may cost no more. The rules go on."""

    type: Literal["budget_spent"] = "budget_spent"
    at_s: float
    calls: int
    tokens: int
