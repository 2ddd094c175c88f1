"""The second passes that wait to be made, and what comes of them."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from ..model.entities import Entity
from ..model.transcript import Utterance
from .clean import clean_fields
from .connecting import Connection
from .database import Database
from .effects import entity_values
from .queries import queries

MOST_FAILURES = 3


class SecondPasses:
    """A job for each finished recording; it waits until its transcript is kept, through every restart.

    Every method raises DatabaseUnavailable if the database does not answer within 3 s.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self) -> list[str]:
        """Return the consultations whose recording is to be read again, oldest first, those that failed last."""
        rows = await self._database.rows("waiting_second_passes", {})
        return [str(row["consultation_id"]) for row in rows]

    async def failed(self) -> list[str]:
        """Return the consultations whose second pass was given up."""
        return [str(row["consultation_id"]) for row in await self._database.rows("failed_second_passes", {})]

    async def give_up(self, consultation_id: str) -> None:
        """There is nothing to read any more: the job has failed for good."""
        await self._database.rows("give_up_second_pass", {"cid": consultation_id})

    async def note_failure(self, consultation_id: str) -> None:
        """An attempt failed; after the third the job is given up."""
        await self._database.rows("note_second_pass_failure", {"cid": consultation_id, "most": MOST_FAILURES})

    async def keep(
        self,
        consultation_id: str,
        utterances: Sequence[Utterance],
        entities: Sequence[Entity] = (),
        *,
        partial: bool = False,
    ) -> bool:
        """Keep the final transcript, with what it names, and settle the job: all or nothing.

        False if it does not wait (any more). `partial`: it is of a part of the call alone.
        """
        values = [_values(consultation_id, utterance) for utterance in utterances]
        named = [entity_values(entity) | {"cid": consultation_id, "edition": "final"} for entity in entities]

        async def write(connection: Connection) -> bool:
            sql = queries()
            async with connection.transaction():
                job = await connection.execute(sql["lock_second_pass"], {"cid": consultation_id})
                if await job.fetchone() is None:
                    return False
                async with connection.cursor() as cursor:
                    await cursor.executemany(sql["add_final_utterance"], values)
                    await cursor.executemany(sql["put_entity"], named)
                state = "partial" if partial else "done"
                await connection.execute(sql["settle_second_pass"], {"cid": consultation_id, "state": state})
            return True

        return await self._database.use(write)


def _values(consultation_id: str, utterance: Utterance) -> dict[str, object]:
    values = clean_fields(utterance)
    return values | {"cid": consultation_id, "words": Jsonb(values["words"])}
