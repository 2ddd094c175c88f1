"""What each event does to the database, as named statements with their values. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from ..model.advice_events import InteractionLogged, TipReleased
from ..model.entities import Entity
from ..model.events import (
    ChatSent,
    ConnectionChanged,
    ConsentChanged,
    ConsultationEnded,
    ConsultationOpened,
    EntitiesFound,
    Event,
    FinalTranscript,
    InterimTranscript,
    ParticipantJoined,
    ParticipantLeft,
    TipMarked,
    TipReady,
)
from ..model.recording_events import RecordingFinalized
from .clean import clean_fields

Values = dict[str, Any]
Statement = tuple[str, Values]
SAID = frozenset({"entities", "text", "tip", "utterance"})
"""Fields whose words stay out of the activity log."""


def effects(consultation_id: str, at: datetime, event: Event | None) -> Iterator[Statement]:
    """Yield the statements of `event`, in order; `at` is the wall time it was recorded.

    None: the process began in which the consultation lives, or every consultation if none is named.
    """
    if event is None:
        yield "end_stale_presence", {"cid": consultation_id}
        return
    if isinstance(event, InterimTranscript):
        return
    common = {"cid": consultation_id, "at": at, "at_s": event.at_s, "role": getattr(event, "role", None)}
    for name, values in _tables(event):
        yield name, common | values
    if not isinstance(event, FinalTranscript | EntitiesFound | InteractionLogged):
        log = "log_leaving" if isinstance(event, ParticipantLeft) else "log_activity"
        yield log, common | {"kind": event.type, "detail": Jsonb(_detail(event))}


def _tables(event: Event) -> Iterator[Statement]:
    match event:
        case ConsultationOpened(opened_at=opened_at):
            yield "open_consultation", {"opened_at": opened_at}
        case ConsultationEnded(reason=reason):
            yield "count_presence", {"role": None}
            yield "unseat_participants", {"role": None}
            yield "end_consultation", {"reason": reason}
        case ParticipantJoined() | ParticipantLeft() | ConnectionChanged() | ConsentChanged():
            yield from _participant(event)
        case FinalTranscript(utterance=utterance):
            words = Jsonb([word.model_dump() for word in utterance.words])
            yield "add_utterance", utterance.model_dump() | {"words": words}
        case EntitiesFound(entities=entities):
            for entity in entities:
                yield "put_entity", entity_values(entity) | {"edition": "live"}
        case ChatSent():
            yield "add_chat_message", event.model_dump(include={"message_id", "name", "text"})
        case TipReady(tip=tip):
            evidence = Jsonb([piece.model_dump() for piece in tip.evidence])
            yield "add_tip", tip.model_dump() | {"evidence": evidence}
        case TipReleased(tip=tip):
            yield "release_tip", {"id": tip.id, "audience": tip.audience}
        case InteractionLogged(interaction=interaction):
            values = interaction.model_dump() | {"sources": Jsonb(interaction.sources)}
            yield "add_interaction", values | {"heard": list(interaction.heard), "tip_ids": list(interaction.tip_ids)}
        case TipMarked(tip_id=tip_id, mark=mark):
            yield "mark_tip", {"tip_id": tip_id, "mark": mark}
        case RecordingFinalized(files=files):
            for file in files:
                yield "add_recording", file.model_dump()
            if any(file.role is not None and file.format == "wav" for file in files):
                yield "queue_second_pass", {}
        case _:
            return


def entity_values(entity: Entity) -> Values:
    """Return the columns of an entity."""
    values = clean_fields(entity)
    return values | {"relations": Jsonb(values["relations"])}


def _participant(
    event: ParticipantJoined | ParticipantLeft | ConnectionChanged | ConsentChanged,
) -> Iterator[Statement]:
    match event:
        case ParticipantJoined(identity=identity, name=name):
            yield "seat_participant", {"identity": identity, "name": name}
        case ParticipantLeft():
            yield "count_presence", {}
            yield "unseat_participants", {}
        case ConnectionChanged(state="lost"):
            yield "count_presence", {}
        case ConnectionChanged():
            yield "resume_presence", {}
        case ConsentChanged(granted=granted):
            yield "set_consent", {"granted": granted}


def _detail(event: Event) -> Values:
    detail = event.model_dump(mode="json", exclude={"type", "at_s", "role", *SAID})
    match event:
        case TipReady(tip=tip) | TipReleased(tip=tip):
            detail |= tip.model_dump(mode="json", include={"id", "kind", "audience", "urgent", "model", "latency_s"})
        case RecordingFinalized(files=files):
            detail = {"files": len(files), "size_bytes": sum(file.size_bytes for file in files)}
        case _:
            pass
    return detail
