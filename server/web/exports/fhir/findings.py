"""Which resources the entities of supported statements become. Nothing else is coded.

A statement that the clinician confirmed against the checker stays words: its entities are what the checker found in the
evidence, and may be what the clinician overruled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ....model.consultation import Role
from ....model.entities import Entity, EntityCategory, RelationKind
from ....model.report import Statement, Support
from ..clean import line
from ..dossier import Citation, Dossier, citations, leaving

PLAN_CODES = frozenset({"18776-5", "69730-0"})
"""LOINC: plan of care, instructions. What stands there is to come."""


_DOSING = (
    RelationKind.DOSAGE_OF,
    RelationKind.FORM_OF,
    RelationKind.ROUTE_OF,
    RelationKind.FREQUENCY_OF,
)
MEDICINES = (EntityCategory.MEDICATION, EntityCategory.MEDICATION_CLASS)
_PRECEDENCE = {None: 0, Role.CLINICIAN: 1, Role.PATIENT: 2}


@dataclass(slots=True)
class Finding:
    """An entity of a report, once for all statements that state it alike.

    `informant`: who said so; of both, the patient. `doses`: a medicine's, in order. `of`: what it is the value of.
    """

    entity: Entity
    name: str
    planned: bool
    informant: Role | None
    doses: tuple[Entity, ...]
    relative: str
    of: tuple[str, ...]
    citations: list[Citation]

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it another finding than one of the same name."""
        doses = tuple(map(called, self.doses))
        return (
            self.entity.category,
            self.name.lower(),
            self.entity.assertion,
            self.planned,
            self.relative,
            self.of,
            doses,
        )

    def joins(self, other: Finding) -> bool:
        """Return whether both say the same: a medicine told once with its dose and once without is one."""
        return self.key[:-1] == other.key[:-1] and (self.key == other.key or not self.doses or not other.doses)

    def join(self, other: Finding) -> None:
        """Take what `other` adds."""
        self.citations += [cited for cited in other.citations if cited not in self.citations]
        self.doses = self.doses or other.doses
        self.informant = max(self.informant, other.informant, key=_PRECEDENCE.__getitem__)


def called(entity: Entity) -> str:
    """Return an entity's name as one line; empty if there is nothing to see."""
    return line(entity.name) or line(entity.normal) or line(entity.text)


def findings(dossier: Dossier) -> list[list[Finding]]:
    """Return what each section states, in order; what is stated twice is one finding with all its evidence."""
    known: list[Finding] = []
    sections: list[list[Finding]] = []
    for section in dossier.report.sections:
        here: dict[int, Finding] = {}
        for statement in leaving(section):
            if statement.support is not Support.SUPPORTED:
                continue
            for found in _of_statement(statement, section.code in PLAN_CODES, dossier):
                one = next((one for one in known if one.joins(found)), found)
                if one is found:
                    known.append(found)
                else:
                    one.join(found)
                here[id(one)] = one
        sections.append(list(here.values()))
    return sections


def _of_statement(statement: Statement, planned: bool, dossier: Dossier) -> Iterable[Finding]:
    cited = citations(statement, dossier)
    for entity in statement.entities:
        name = called(entity)
        if not name:
            continue
        own = [one for one in cited if one.utterance_id in (entity.utterance_id, entity.answer_id)]
        doses = _DOSING if entity.category in MEDICINES else ()
        beside = [(one, kind) for one in statement.entities if (kind := _says_of(one, entity)) and called(one)]
        yield Finding(
            entity=entity,
            name=name,
            planned=planned,
            informant=_informant(entity, dossier),
            doses=tuple(one for kind in doses for one, its in beside if its is kind),
            relative=next((called(one) for one, kind in beside if kind is RelationKind.RELATIVE_WITH), ""),
            of=_of(entity, statement.entities),
            citations=own or list(cited),
        )


def _informant(entity: Entity, dossier: Dossier) -> Role | None:
    # What somebody asked is what the other answered.
    said = dossier.spoken.get(entity.answer_id or entity.utterance_id)
    return said.role if said else None


def _says_of(entity: Entity, other: Entity) -> RelationKind | None:
    return next((one.kind for one in entity.relations if one.to == other.id and entity.id != other.id), None)


def _of(entity: Entity, others: Sequence[Entity]) -> tuple[str, ...]:
    valued = {one.to for one in entity.relations if one.kind is RelationKind.VALUE_OF}
    return tuple(name for other in others if other.id in valued and (name := called(other)))
