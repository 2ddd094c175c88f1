"""What was mentioned in a consultation: which words, what they name, and how it stands.

Categories after Azure's text analytics for health.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from .consultation import Frozen


class EntityCategory(StrEnum):
    """What kind of thing is named."""

    SYMPTOM = "SymptomOrSign"
    DIAGNOSIS = "Diagnosis"
    MEDICATION = "MedicationName"
    MEDICATION_CLASS = "MedicationClass"
    MEDICATION_FORM = "MedicationForm"
    MEDICATION_ROUTE = "MedicationRoute"
    DOSAGE = "Dosage"
    FREQUENCY = "Frequency"
    EXAMINATION = "ExaminationName"
    MEASUREMENT = "MeasurementValue"
    TREATMENT = "TreatmentName"
    BODY = "BodyStructure"
    ALLERGEN = "Allergen"
    AGE = "Age"
    TIME = "Time"
    FAMILY = "FamilyRelation"
    SUBSTANCE = "SubstanceUse"


class Assertion(StrEnum):
    """How it stands. `asked`: somebody asked, nobody has answered yet. `supposed`: what to do if it comes."""

    AFFIRMED = "affirmed"
    NEGATED = "negated"
    POSSIBLE = "possible"
    FAMILY = "family"
    PAST = "past"
    ASKED = "asked"
    SUPPOSED = "supposed"


class RelationKind(StrEnum):
    """What an entity says of another one."""

    DOSAGE_OF = "dosage_of"
    FREQUENCY_OF = "frequency_of"
    FORM_OF = "form_of"
    ROUTE_OF = "route_of"
    VALUE_OF = "value_of"
    TIME_OF = "time_of"
    PLACE_OF = "place_of"
    RELATIVE_WITH = "relative_with"


class Relation(Frozen):
    """From the entity that holds it to the entity `to`."""

    kind: RelationKind
    to: str


class Entity(Frozen):
    """A mention. `text` stands literally in its utterance's text, from character `start` up to `end`.

    `id` follows from utterance, span and category: the same mention found again, with a newer assertion, replaces it.
    `normal` is the concept or the quantity ("losartan", "50 mg", "every 8 h"), `name` how the language calls it.
    `approximate`: the words only sound or look like the name. `answer_id`: the utterance that settled what was asked.
    """

    id: str = Field(min_length=1, max_length=128)
    utterance_id: str
    category: EntityCategory
    text: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    normal: str = ""
    name: str = ""
    assertion: Assertion = Assertion.AFFIRMED
    confidence: float = Field(default=1.0, ge=0.0, le=1.0)
    approximate: bool = False
    value: float | None = None
    unit: str = ""
    relations: tuple[Relation, ...] = ()
    answer_id: str = ""
