"""What the vocabularies know: one TSV file a category and language, in knowledge/<language>/.

A line holds an id, the forms separated by `;` (the first is the name) and what else is known of the concept:
`located` means that a place may stand beside it ("dor" … "no joelho"). Ids are the same in every language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...model.entities import EntityCategory
from ..knowledge_file import FOLDER

FILES: Mapping[str, EntityCategory] = {
    "diagnoses": EntityCategory.DIAGNOSIS,
    "symptoms": EntityCategory.SYMPTOM,
    "medicines": EntityCategory.MEDICATION,
    "classes": EntityCategory.MEDICATION_CLASS,
    "examinations": EntityCategory.EXAMINATION,
    "treatments": EntityCategory.TREATMENT,
    "body": EntityCategory.BODY,
    "allergens": EntityCategory.ALLERGEN,
    "family": EntityCategory.FAMILY,
    "substances": EntityCategory.SUBSTANCE,
    "forms": EntityCategory.MEDICATION_FORM,
    "routes": EntityCategory.MEDICATION_ROUTE,
}
_COLUMNS = 2
_LOCATED = "located"


@dataclass(frozen=True, slots=True)
class Term:
    """One concept in one language."""

    id: str
    category: EntityCategory
    name: str
    forms: tuple[str, ...]
    located: bool = False


@cache
def load(language: str) -> tuple[Term, ...]:
    """Return everything that `language` ("pt" or "en") has words for.

    Raises:
        ValueError: If a line of a file does not fit; the message names it.
    """
    folder = FOLDER / language
    return tuple(term for name, category in FILES.items() for term in _read(folder / f"{name}.tsv", category))


def _read(path: Path, category: EntityCategory) -> Iterator[Term]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = line.split("\t")
        forms = (
            tuple(form.strip() for form in columns[1].split(";") if form.strip()) if len(columns) >= _COLUMNS else ()
        )
        flags = columns[_COLUMNS:]
        if not columns[0] or not forms or any(flag != _LOCATED for flag in flags):
            raise ValueError(
                f"{path.name}, line {number}: must be id, forms and perhaps {_LOCATED!r}, with tabs between"
            )
        yield Term(columns[0], category, forms[0].lstrip("="), forms, bool(flags))
