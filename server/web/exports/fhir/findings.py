"""Which resources the entities of supported statements become. Nothing else is coded.

A statement that the clinician confirmed against the checker stays words: its entities are what the checker found in the
evidence, and may be what the clinician overruled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ....model.consultation import Role
from ....model.entities import Entity, RelationKind
from ....model.report import Statement, Support
from ..clean import line
from ..dossier import Citation, Dossier, citations, leaving

PLAN_CODES = frozenset({"18776-5", "69730-0"})
"""LOINC: plan of care, instructions. What stands there is to come."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An entity of a report, once for all statements that state it alike.

    `beside`: what says something of it. `of`: the names of what it is the value of.
    """

    entity: Entity
    name: str
    planned: bool
    informant: Role | None
    beside: Mapping[RelationKind, tuple[Entity, ...]]
    of: tuple[str, ...]
    citations: list[Citation] = field(default_factory=list)

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two findings the same."""
        beside = tuple((kind, tuple(map(called, ones))) for kind, ones in sorted(self.beside.items()))
        return (
            self.entity.category,
            self.name.lower(),
            self.entity.assertion,
            self.planned,
            self.informant,
            beside,
            self.of,
        )


def called(entity: Entity) -> str:
    """Return an entity's name as one line; empty if there is nothing to see."""
    return line(entity.name) or line(entity.normal) or line(entity.text)


def findings(dossier: Dossier) -> list[list[Finding]]:
    """Return what each section states, in order; what is stated twice is one finding with all its evidence."""
    known: dict[tuple[object, ...], Finding] = {}
    sections: list[list[Finding]] = []
    for section in dossier.report.sections:
        here: dict[int, Finding] = {}
        for statement in leaving(section):
            if statement.support is not Support.SUPPORTED:
                continue
            for found in _of_statement(statement, section.code in PLAN_CODES, dossier):
                one = known.setdefault(found.key, found)
                if one is not found:
                    one.citations.extend(cited for cited in found.citations if cited not in one.citations)
                here[id(one)] = one
        sections.append(list(here.values()))
    return sections


def _of_statement(statement: Statement, planned: bool, dossier: Dossier) -> Iterable[Finding]:
    cited = citations(statement, dossier)
    for entity in statement.entities:
        name = called(entity)
        if name:
            own = [one for one in cited if one.utterance_id in (entity.utterance_id, entity.answer_id)]
            beside, of = _beside(entity, statement.entities), _of(entity, statement.entities)
            yield Finding(entity, name, planned, _informant(entity, dossier), beside, of, list(own or cited))


def _informant(entity: Entity, dossier: Dossier) -> Role | None:
    # What somebody asked is what the other answered.
    said = dossier.spoken.get(entity.answer_id or entity.utterance_id)
    return said.role if said else None


def _beside(entity: Entity, others: Sequence[Entity]) -> dict[RelationKind, tuple[Entity, ...]]:
    found: dict[RelationKind, list[Entity]] = {}
    for other in others:
        for relation in other.relations:
            if relation.to == entity.id and other.id != entity.id and called(other):
                found.setdefault(relation.kind, []).append(other)
    return {kind: tuple(sorted(ones, key=lambda one: one.start)) for kind, ones in found.items()}


def _of(entity: Entity, others: Sequence[Entity]) -> tuple[str, ...]:
    valued = {one.to for one in entity.relations if one.kind is RelationKind.VALUE_OF}
    return tuple(name for other in others if other.id in valued and (name := called(other)))
