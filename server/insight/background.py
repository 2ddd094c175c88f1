"""What an advisor is told besides what is said: beforehand, of the people, and from context sources."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..model.consultation import Role


@dataclass(frozen=True, slots=True)
class Person:
    """A participant as a chat model gets to know them; no name unless the agent shares names."""

    role: Role
    name: str = ""


@dataclass(frozen=True, slots=True)
class Background:
    """All of it is data for a model, never an instruction. `states` says how each source did."""

    initial: str = ""
    people: tuple[Person, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subject:
    """Of whom sources are asked; what is not known yet is empty."""

    consultation_id: str
    patient: str = ""
    clinician: str = ""


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What sources gave, by their names, and how each did: "ok", or one sentence."""

    data: Mapping[str, Any] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)


LookUp = Callable[[Sequence[str], Subject], Awaitable[LookedUp]]
"""Asks sources by name. Never raises; takes no longer than the slowest source may."""


async def nothing_looked_up(_names: Sequence[str], _subject: Subject) -> LookedUp:
    """Where no sources are configured."""
    return LookedUp()
