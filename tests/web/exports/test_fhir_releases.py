"""R4B stands for R4: of all that a bundle of ours is made of, both define the same elements."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

import pytest

RESOURCES = (
    "bundle", "composition", "patient", "practitioner", "encounter", "condition", "medicationstatement",
    "allergyintolerance", "observation", "familymemberhistory", "provenance",
)  # fmt: skip
TYPES = (
    "dosage", "signature", "narrative", "extension", "identifier", "coding", "codeableconcept", "reference",
    "humanname", "quantity", "period",
)  # fmt: skip
Elements = dict[str, bool]
"""Whether each element may be there more than once."""
APART = {"valueMeta", "valueRatioRange", "valueCodeableReference"}
"""Types of an extension's value that one release alone has."""


def classes(module: ModuleType) -> dict[str, type]:
    return {name: one for name, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__}


def of_r4(name: str) -> dict[str, Elements]:
    """Return the elements of 4.0.1's classes."""
    found = classes(importlib.import_module(f"fhirclient.models.{name}"))
    return {its: {one[1]: one[3] for one in made().elementProperties()} for its, made in found.items()}


def of_r4b(name: str) -> dict[str, Elements]:
    """Return the elements of 4.3.0's classes."""
    found = classes(importlib.import_module(f"fhir.resources.R4B.{name}"))
    return {
        its: {
            field.alias or python: "list" in str(field.annotation).lower()
            for python, field in made.model_fields.items()  # type: ignore[attr-defined]
            if not python.endswith("__ext") and python not in ("resource_type", "fhir_comments")
        }
        for its, made in found.items()
    }


@pytest.mark.parametrize("name", RESOURCES + TYPES)
def test_both_releases_define_the_same_elements(name: str) -> None:
    ours, theirs = of_r4(name), of_r4b(name)
    assert ours
    for its, elements in ours.items():
        apart = dict.fromkeys(APART)
        assert {one: many for one, many in elements.items() if one not in apart} == {
            one: many for one, many in theirs[its].items() if one not in apart
        }, its
