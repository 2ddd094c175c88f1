"""An event as it waits in the spool."""

from __future__ import annotations

import json
from datetime import datetime

from pydantic_core import PydanticSerializationError

from ..model.events import Event, event_adapter
from .clean import clean, clean_json


def pack(consultation_id: str, at: datetime, event: Event) -> bytes:
    """Return the bytes to keep; text that PostgreSQL cannot hold is replaced here."""
    head = json.dumps({"consultation": clean(consultation_id), "at": at.isoformat()})[:-1]
    try:
        body = event_adapter.dump_json(event)
    except PydanticSerializationError:  # half of a surrogate pair has no UTF-8
        body = clean_json(event.model_dump())
    if rb"\u0000" in body:
        body = clean_json(json.loads(body))
    return head.encode() + b',"event":' + body + b"}"


def pack_restart(at: datetime, consultation_id: str = "") -> bytes:
    """Return the bytes that say: the process has just begun, nobody sits there (without a consultation: anywhere)."""
    return json.dumps({"consultation": consultation_id, "at": at.isoformat(), "event": None}).encode()


def unpack(payload: bytes) -> tuple[str, datetime, Event | None]:
    """Return the consultation, the wall time and the event that `pack` was given; None is a restart.

    Raises:
        ValueError: If this version cannot read it.
    """
    record = json.loads(payload)
    try:
        event = None if record["event"] is None else event_adapter.validate_python(record["event"])
        return record["consultation"], datetime.fromisoformat(record["at"]), event
    except (KeyError, TypeError) as error:
        raise ValueError("The record lacks a field.") from error
