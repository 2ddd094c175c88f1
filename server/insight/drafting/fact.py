"""One thing to state, before it is put in words."""

from __future__ import annotations

from dataclasses import dataclass

from ...model.entities import Entity
from ...model.insight import Evidence
from .templates import Kind


@dataclass(frozen=True, slots=True)
class Fact:
    """What it is `about`, with `details`, proved by `evidence`. `quote` stands where words are repeated.

    `also` is what such words name.
    """

    kind: Kind
    evidence: tuple[Evidence, ...]
    at_s: float = 0.0
    about: Entity | None = None
    details: tuple[Entity, ...] = ()
    quote: str = ""
    also: tuple[Entity, ...] = ()
    by_clinician: bool = False

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Everything it states."""
        return (*((self.about,) if self.about else ()), *self.details, *self.also)
