"""Whose recording a folder is, written first, so that finishing it needs no database."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from ..model.consultation import Frozen, Role
from ..model.errors import JournalUnreadable
from .files import write_file

SESSION_NAME = "session.json"
JOURNAL_FOLDER = "journal"


class Session(Frozen):
    """What is known when recording opens. `opened_at` is room time 0."""

    version: Literal[1] = 1
    consultation_id: str
    opened_at: datetime


def journal_path(folder: Path, role: Role) -> Path:
    """Return where a participant's journal lies in a recording's folder."""
    return folder / JOURNAL_FOLDER / f"{role.value}.jnl"


def read_session(folder: Path) -> Session | None:
    """Return the session of a recording's folder, None if it has none.

    Raises:
        JournalUnreadable: If the file is damaged or of another version.
    """
    try:
        return Session.model_validate_json((folder / SESSION_NAME).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise JournalUnreadable(f"{folder / SESSION_NAME} is damaged or of a newer version.") from error


def write_session(folder: Path, session: Session) -> None:
    """Write it, private and durable.

    Raises:
        OSError: If it cannot be written.
    """
    write_file(folder / SESSION_NAME, session.model_dump_json().encode())
