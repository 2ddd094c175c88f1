"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one thing; `fail` means that calls will not work until it is put right."""

    outcome: Outcome
    sentence: str


def ok(sentence: str) -> Finding:
    """Return that all is well."""
    return Finding("ok", sentence)


def warn(sentence: str) -> Finding:
    """Return that something may be in the way of someone."""
    return Finding("warn", sentence)


def fail(sentence: str) -> Finding:
    """Return that something is wrong."""
    return Finding("fail", sentence)
