"""The quantities and cues of a language: knowledge/<language>/quantities.toml, checked and compiled."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache

from pydantic import model_validator

from ...model.consultation import Frozen
from ...model.entities import EntityCategory
from ..knowledge_file import FOLDER
from ..knowledge_file import load as load_knowledge
from ..phrases import Lexicon

UNIT = "UNIT"
Range = tuple[float, float]
CUES = (
    "supposed",
    "possible",
    "negates",
    "negates_next",
    "ceases",
    "open_questions",
    "plans",
    "offers",
    "purpose",
    "unsure",
    "asks",
    "no_first",
    "negates_end",
    "negates_after",
    "past",
    "normal_after",
    "yes",
    "yes_last",
    "no",
    "only",
    "allergy",
    "allergy_after",
    "takes",
)
"""What the [assertion] table holds: how a thing stands, beyond the scope of ../<language>.toml."""
NOTHING = "none"


class Quantity(Frozen):
    """One kind of quantity and how it is said. `same`, `falling` and `slash` concern its two numbers."""

    category: EntityCategory
    normal: str
    says: tuple[str, ...]
    between: tuple[Range, ...] = ()
    same: bool = False
    falling: bool = False
    slash: bool = False
    in_medication: bool = False
    otherwise: str = ""
    keep_from_number: bool = False
    unless_after: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _otherwise_exists(self) -> Quantity:
        if self.otherwise not in ("", NOTHING, *EntityCategory):
            raise ValueError(f"otherwise is {self.otherwise!r}: must be a category or {NOTHING!r}")
        return self

    def fits(self, numbers: tuple[float, ...], between_text: str) -> bool:
        """Tell whether these numbers make such a quantity."""
        if any(not low <= number <= high for number, (low, high) in zip(numbers, self.between, strict=False)):
            return False
        if self.slash and "/" not in between_text:
            return False
        first, last = (numbers[0], numbers[-1]) if numbers else (0.0, 0.0)
        return not (self.same and first != last) and not (self.falling and first <= last)


class Grammar(Frozen):
    """One language's file."""

    never_skipped: tuple[str, ...]
    fillers: tuple[str, ...]
    telling: tuple[str, ...]
    laterality_after: tuple[str, ...]
    laterality_before: tuple[str, ...]
    quantity: tuple[Quantity, ...]
    names: dict[str, str]
    units: dict[str, tuple[str, ...]]
    values: dict[str, tuple[str, ...]]
    medication: dict[str, tuple[str, ...]]
    assertion: dict[str, tuple[str, ...]]

    @model_validator(mode="after")
    def _cues_are_known(self) -> Grammar:
        if unknown := set(self.assertion) ^ set(CUES):
            raise ValueError(f"[assertion] must have exactly the known cues; differs in: {', '.join(sorted(unknown))}")
        if nameless := set(self.names) - {quantity.normal for quantity in self.quantity}:
            raise ValueError(f"[names] names what no quantity is: {', '.join(sorted(nameless))}")
        return self

    def name_of(self, normal: str, number: float | None) -> str:
        """Return how the language says a quantity of that form, with its places still open."""
        one, _, more = self.names.get(normal, normal).partition("|")
        return more if more and number != 1 else one

    def quantity_lexicon(self) -> Lexicon:
        """Compile what is said of quantities, over words with each number as one."""
        units = "|".join(word for words in self.units.values() for word in words)
        phrases: dict[str, Iterable[str]] = {
            f"quantity.{i}": [says.replace(UNIT, units) for says in quantity.says]
            for i, quantity in enumerate(self.quantity)
        }
        phrases |= {f"value.{name}": group for name, group in self.values.items()}
        phrases |= {f"medication.{name}": group for name, group in self.medication.items()}
        return Lexicon({name: tuple(group) for name, group in phrases.items()}, self.never_skipped)

    def unit_of(self, norms: Iterable[str], folded_units: Mapping[str, str]) -> str:
        """Return the unit of time among `norms`, "" if there is none."""
        return next((folded_units[norm] for norm in norms if norm in folded_units), "")


@cache
def load(language: str) -> Grammar:
    """Return the checked grammar of `language` ("pt" or "en").

    Raises:
        ValueError: If the file does not fit; packaged files are tested, so only an edited one can.
    """
    return Grammar.model_validate(tomllib.loads((FOLDER / language / "quantities.toml").read_text("utf-8")))


@cache
def quantity_lexicon(language: str) -> Lexicon:
    """Return the compiled quantities of `language`."""
    return load(language).quantity_lexicon()


@cache
def cue_lexicon(language: str) -> Lexicon:
    """Return the compiled cues of `language`: "scope.…" of the knowledge file, "cue.…" of the grammar."""
    knowledge = load_knowledge(language)
    phrases = {f"scope.{name}": group for name, group in knowledge.scope.items()}
    phrases |= {f"cue.{name}": group for name, group in load(language).assertion.items()}
    return Lexicon(phrases, knowledge.never_skipped)
