"""What was said, word by word, on the room clock."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .consultation import Frozen, Role

Edition = Literal["live", "final"]
"""As heard during the call, or by the second pass over its recording."""
SecondPassState = Literal["none", "waiting", "done", "partial", "failed"]
"""How far the second pass is.

`none`: there is no recording to read, or not yet. `partial`: it is done, but the recording is of a part of the call.
"""


class Word(Frozen):
    """One word; times are seconds on the room clock."""

    text: str
    start_s: float
    end_s: float
    probability: float = 1.0


class Utterance(Frozen):
    """One settled stretch of speech of one person. It never changes."""

    id: str = Field(min_length=1, max_length=64)
    role: Role
    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...] = ()
    language: str
    provider: str = ""
