"""What the clinician changes in a report: never the version that is there, always a new one. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from ...model.errors import InvalidRequest, NotFound
from ...model.report import (
    AddStatement,
    Change,
    ConfirmStatement,
    EditStatement,
    Origin,
    RemoveStatement,
    Report,
    Section,
    Statement,
    Support,
)
from .check import Checker

MOST_STATEMENTS = 1000


def changed(report: Report, changes: Sequence[Change], checker: Checker) -> tuple[Section, ...]:
    """Return the sections of `report` with `changes` made, one after another.

    Raises:
        NotFound: If a change names a statement or section that is not there.
        InvalidRequest: If the report would get too long.
    """
    sections = report.sections
    for change in changes:
        sections = _with(sections, change, checker)
    if sum(len(section.statements) for section in sections) > MOST_STATEMENTS:
        raise InvalidRequest(f"A report has {MOST_STATEMENTS} statements at most; remove some first.")
    return sections


def _with(sections: Sequence[Section], change: Change, checker: Checker) -> tuple[Section, ...]:
    if isinstance(change, AddStatement):
        if all(section.id != change.section_id for section in sections):
            raise NotFound("There is no such section in this version of the report.")
        return tuple(_added(one, change) if one.id == change.section_id else one for one in sections)
    if not any(one.id == change.statement_id for section in sections for one in section.statements):
        raise NotFound("There is no such statement in this version of the report; read the newest version.")
    return tuple(
        section.model_copy(
            update={
                "statements": tuple(
                    new
                    for one in section.statements
                    for new in (_changed(one, change, checker) if one.id == change.statement_id else (one,))
                )
            }
        )
        for section in sections
    )


def _added(section: Section, change: AddStatement) -> Section:
    own = Statement(
        id=uuid.uuid4().hex[:16], text=_line(change.text), support=Support.CONFIRMED, origin=Origin.CLINICIAN
    )
    return section.model_copy(update={"statements": (*section.statements, own)})


def _changed(
    one: Statement, change: EditStatement | ConfirmStatement | RemoveStatement, checker: Checker
) -> tuple[Statement, ...]:
    match change:
        case RemoveStatement():
            return ()
        case ConfirmStatement(confirmed=True):
            confirmed = one.support if one.support is Support.SUPPORTED else Support.CONFIRMED
            return (one.model_copy(update={"support": confirmed}),)
        case ConfirmStatement():
            stands = one.support if one.support is Support.SUPPORTED else Support.UNSUPPORTED
            return (one.model_copy(update={"support": stands}),)
        case EditStatement(text=text):
            before = one.edited_from or one.text
            edited = {"text": _line(text), "edited_from": before, "origin": Origin.CLINICIAN}
            # What the clinician writes is confirmed by being written; its doubts are noted all the same.
            return (checker.check(one.model_copy(update=edited)),)


def _line(text: str) -> str:
    return " ".join(text.split())
