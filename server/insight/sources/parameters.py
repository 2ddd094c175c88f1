"""What a source may be asked by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..background import Subject
from .port import SourceFailed

NAMES = ("consultation_id", "patient", "clinician")


def parameters(subject: Subject, wanted: Iterable[str]) -> Mapping[str, str]:
    """Return the values of `wanted`.

    Raises:
        SourceFailed: If one is not known yet.
    """
    values = {name: str(getattr(subject, name)) for name in wanted}
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise SourceFailed(f"It is asked once the {' and the '.join(missing)} has come.")
    if any(set(value) == {"."} for value in values.values()):
        raise SourceFailed("It cannot be asked about a name of dots.")  # in a path they would lead elsewhere
    return values
