"""Reading the database, and the few writes that somebody waits for. Answers or DatabaseUnavailable within 3 s."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ..model.advice_events import Interaction
from ..model.consultation import Agent, Consultation, Participant, Role
from ..model.entities import Entity
from ..model.errors import Conflict, InvalidRequest, NotFound
from ..model.events import ChatSent
from ..model.insight import Tip, TipMark
from ..model.recording_events import RecordingFile
from ..model.transcript import Edition, SecondPassState, Utterance
from .clean import clean, clean_fields
from .connecting import Connection
from .database import Database, Row
from .queries import queries
from .reports import Reports
from .second_passes import SecondPasses


@dataclass(frozen=True, slots=True)
class TipRecord:
    """A tip, when it was given, what its reader last did with it, and when the patient was let have it."""

    tip: Tip
    mark: TipMark | None
    at_s: float
    released_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class InteractionRecord:
    """An interaction, and when it ended."""

    at_s: float
    interaction: Interaction


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """One line of the activity log; `detail` never holds what was said."""

    at: datetime
    at_s: float
    kind: str
    role: Role | None
    detail: dict[str, Any]


class Reader:
    """What can be asked of the database.

    Every method raises DatabaseUnavailable if the database does not answer within 3 s.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.second_passes = SecondPasses(database)
        self.reports = Reports(database)

    async def consultation(self, consultation_id: str) -> Consultation:
        """Return one consultation.

        Raises:
            NotFound: If there is none with that id.
        """
        rows = await self._database.rows("consultation", {"cid": consultation_id})
        if not rows:
            raise NotFound(f"There is no consultation {clean(consultation_id)}: check the link or its id.")
        return Consultation.model_validate(rows[0])

    async def consultations(self, *, limit: int, before: datetime | None = None) -> list[Consultation]:
        """Return the newest `limit` created before `before`, newest first."""
        rows = await self._database.rows("consultations", {"limit": limit, "before": before})
        return [Consultation.model_validate(row) for row in rows]

    async def live_consultations(self) -> list[Consultation]:
        """Return those that were live when the database last heard of them, oldest first."""
        return [Consultation.model_validate(row) for row in await self._database.rows("live_consultations", {})]

    async def create_consultation(self, consultation: Consultation) -> None:
        """Keep a new consultation.

        Raises:
            Conflict: If the id is taken.
            InvalidRequest: If its agent does not exist.
        """
        values = clean_fields(consultation)

        async def create(connection: Connection) -> None:
            sql = queries()
            try:
                async with connection.transaction():
                    made = await connection.execute(sql["create_consultation"], values)
                    if made.rowcount:
                        await connection.execute(sql["log_activity"], _creation(consultation))
            except psycopg.errors.ForeignKeyViolation:
                raise InvalidRequest(f"There is no agent {values['agent_id']}: create it first.") from None
            if made.rowcount:
                return
            row = await (await connection.execute(sql["consultation"], {"cid": consultation.id})).fetchone()
            # The same one may be here from an attempt whose answer was lost.
            if row is None or Consultation.model_validate(row).created_at != consultation.created_at:
                raise Conflict(f"There is already a consultation {consultation.id}: choose another id.")

        await self._database.use(create)

    async def agents(self) -> list[Agent]:
        """Return all agents, by id."""
        return [Agent.model_validate(row) for row in await self._database.rows("agents", {})]

    async def agent(self, agent_id: str) -> Agent:
        """Return one agent.

        Raises:
            NotFound: If there is none with that id.
        """
        rows = await self._database.rows("agent", {"id": agent_id})
        if not rows:
            raise NotFound(f"There is no agent {clean(agent_id)}: see the list of agents.")
        return Agent.model_validate(rows[0])

    async def save_agent(self, agent: Agent) -> None:
        """Create an agent or replace the one of the same id."""
        await self._database.rows("save_agent", clean_fields(agent))

    async def participants(self, consultation_id: str) -> list[Participant]:
        """Return who sat there, in order of joining; `present_s` counts up to their last change."""
        return [Participant.model_validate(row) for row in await self._of("participants", consultation_id)]

    async def utterances(self, consultation_id: str, edition: Edition = "live") -> list[Utterance]:
        """Return the transcript in the order of speech: as heard live, or by the second pass."""
        rows = await self._database.rows("utterances", {"cid": consultation_id, "edition": edition})
        return [Utterance.model_validate(row) for row in rows]

    async def second_pass(self, consultation_id: str) -> SecondPassState:
        """Return how far the second pass over the recording is."""
        rows = await self._of("second_pass", consultation_id)
        return rows[0]["state"] if rows else "none"

    async def chat_messages(self, consultation_id: str) -> list[ChatSent]:
        """Return the chat, oldest first."""
        return [ChatSent.model_validate(row) for row in await self._of("chat_messages", consultation_id)]

    async def tips(self, consultation_id: str) -> list[TipRecord]:
        """Return the tips, oldest first."""
        return [_tip_record(row) for row in await self._of("tips", consultation_id)]

    async def interactions(self, consultation_id: str) -> list[InteractionRecord]:
        """Return each time that advice was asked for, oldest first."""
        rows = [dict(row) for row in await self._of("interactions", consultation_id)]
        return [InteractionRecord(row.pop("at_s"), Interaction.model_validate(row)) for row in rows]

    async def context(self, consultation_id: str) -> str:
        """Return what the agent was told beforehand; empty if nothing."""
        rows = await self._of("context", consultation_id)
        return str(rows[0]["context"]) if rows else ""

    async def save_context(self, consultation_id: str, context: str) -> None:
        """Tell the agent something beforehand, instead of what it was told until now.

        Raises:
            NotFound: If there is no such consultation.
        """
        await self.consultation(consultation_id)
        await self._database.rows("save_context", {"cid": consultation_id, "context": clean(context)})

    async def entities(self, consultation_id: str, edition: Edition = "live") -> list[Entity]:
        """Return what one edition of the transcript names, in the order it was found; each as it stands last."""
        rows = await self._database.rows("entities", {"cid": consultation_id, "edition": edition})
        return [Entity.model_validate(row) for row in rows]

    async def without_recordings(self, consultation_ids: list[str]) -> list[str]:
        """Return those of `consultation_ids` that exist and have no recording noted."""
        rows = await self._database.rows("without_recordings", {"ids": consultation_ids})
        return [str(row["id"]) for row in rows]

    async def recordings(self, consultation_id: str) -> list[RecordingFile]:
        """Return the finalized recording's files, by name."""
        return [RecordingFile.model_validate(row) for row in await self._of("recordings", consultation_id)]

    async def activity(self, consultation_id: str) -> list[ActivityEntry]:
        """Return the activity log, oldest first."""
        rows = await self._of("activity", consultation_id)
        return [ActivityEntry(**row | {"role": Role(row["role"]) if row["role"] else None}) for row in rows]

    async def _of(self, name: str, consultation_id: str) -> list[Row]:
        return await self._database.rows(name, {"cid": consultation_id})


def _tip_record(row: Row) -> TipRecord:
    fields = dict(row)
    mark, at_s, released_at_s = fields.pop("mark"), fields.pop("at_s"), fields.pop("released_at_s")
    return TipRecord(Tip.model_validate(fields), TipMark(mark) if mark else None, at_s, released_at_s)


def _creation(consultation: Consultation) -> Row:
    return {
        "cid": consultation.id,
        "at": consultation.created_at,
        "at_s": 0.0,
        "kind": "consultation_created",
        "role": None,
        "detail": Jsonb({"language": consultation.language, "agent_id": clean(consultation.agent_id)}),
    }
