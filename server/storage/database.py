"""A small pool of connections whose every use ends in time: with an answer or with DatabaseUnavailable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from ..model.errors import DatabaseUnavailable
from .clean import clean
from .connecting import AWAY, Connection, bounded
from .queries import queries

ANSWER_TIMEOUT_S = 3.0
PATIENCE_S = 0.7
"""Longest wait for the pool before it is asked again: only asking makes it connect anew."""
POOL_SIZE = 6
Row = dict[str, Any]
T = TypeVar("T")


class Database:
    """Connections are opened when needed; broken ones are replaced without the caller noticing."""

    def __init__(self, database_url: str) -> None:
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            database_url,
            kwargs={"autocommit": True, "row_factory": dict_row, "connect_timeout": 2},
            min_size=0,
            max_size=POOL_SIZE,
            open=False,
            # Gives up soon: whoever asks next tries anew, so a database that is back is noticed at once.
            reconnect_timeout=0.5,
            name="storage",
        )

    async def open(self) -> None:
        """Start the pool; connects to nothing yet."""
        # Its complaints about a database that is away repeat ours, once a second.
        logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
        await self._pool.open()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.close()

    async def rows(self, name: str, values: Row) -> list[Row]:
        """Run the statement `name` and return its rows.

        Raises:
            DatabaseUnavailable: If the database does not answer in time.
        """

        async def run(connection: Connection) -> list[Row]:
            cursor = await connection.execute(queries()[name], {key: clean(value) for key, value in values.items()})
            return await cursor.fetchall() if cursor.description else []

        return await self.use(run)

    async def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do `work` with a connection; it is done again if the connection proves broken, so it must bear that.

        Raises:
            DatabaseUnavailable: If the database does not answer in time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ANSWER_TIMEOUT_S
        broken = 0
        # After a restart of the server every pooled connection is broken: meet each of them once.
        while broken <= POOL_SIZE and (left_s := deadline - loop.time()) > 0:
            try:
                async with self._pool.connection(timeout=min(left_s, PATIENCE_S)) as connection:
                    with bounded(connection, max(0.0, deadline - loop.time())):
                        return await work(connection)
            except PoolClosed:
                break
            except PoolTimeout:
                continue
            except AWAY:
                broken += 1
        raise DatabaseUnavailable
