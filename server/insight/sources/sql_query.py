"""A source that is a PostgreSQL query: in a read-only transaction, with bound parameters."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row
from pydantic import SecretStr

from ..background import Subject
from .parameters import parameters
from .port import SourceFailed

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True, slots=True)
class SqlQuery:
    """Runs one SELECT, whose `%(name)s` are parameters that the database binds: never text put into the query."""

    name: str
    database_url: SecretStr
    query: str
    timeout_s: float
    max_bytes: int
    max_rows: int

    async def fetch(self, subject: Subject) -> Any:
        """Return the first `max_rows` rows as JSON objects.

        Raises:
            SourceFailed: If the database does not answer in time, refuses, or gives more than `max_bytes`.
        """
        values = parameters(subject, placeholders(self.query))
        failure = "Its database cannot be reached."
        try:
            async with asyncio.timeout(self.timeout_s):
                rows = await self._rows(dict(values))
        except (TimeoutError, psycopg.errors.QueryCanceled):
            failure = f"It did not answer within {self.timeout_s:g} s."
        except psycopg.errors.ReadOnlySqlTransaction:
            failure = "Its query wants to change something, which it may not."
        except psycopg.OperationalError:
            pass
        except psycopg.Error as error:
            failure = f"Its database refused the query ({error.sqlstate or type(error).__name__})."
        else:
            # What JSON cannot say, dates and decimals, goes as text.
            text = json.dumps(rows, default=str)
            if len(text.encode()) > self.max_bytes:
                raise SourceFailed(f"It gave more than {self.max_bytes} bytes.")
            return json.loads(text)
        raise SourceFailed(failure)

    async def _rows(self, values: dict[str, str]) -> list[dict[str, Any]]:
        connection = await psycopg.AsyncConnection.connect(
            self.database_url.get_secret_value(),
            connect_timeout=max(2, round(self.timeout_s)),
            options="-c default_transaction_read_only=on",
            row_factory=dict_row,
        )
        async with connection:
            await connection.set_read_only(True)
            timeout_ms = str(max(1, round(self.timeout_s * 1000)))
            await connection.execute("SELECT set_config('statement_timeout', %s, true)", (timeout_ms,))
            # A cursor of the database's: no more than max_rows travel, and it takes nothing but one query.
            async with connection.cursor(name="escuta") as cursor:
                await cursor.execute(self.query.encode(), values)
                return await cursor.fetchmany(self.max_rows)


def placeholders(query: str) -> list[str]:
    """Return the names of the parameters."""
    return _PLACEHOLDER.findall(query)
