"""Bringing a database to this version's shape."""

from __future__ import annotations

import psycopg

from ..model.errors import DatabaseUnavailable
from .applier import Applier
from .connecting import bounded, connect, reason
from .migrate import migrate, packaged

SET_UP_TIMEOUT_S = 60.0


async def set_up(database_url: str, applier: Applier | None = None) -> None:
    """Migrate the database, and learn how far `applier` has come in it.

    Raises:
        DatabaseUnavailable: If the database does not answer, does not let us in or cannot be set up.
        DatabaseMismatch: If it was made by another version of Escuta.
    """
    connection = await connect(database_url)
    try:
        with bounded(connection, SET_UP_TIMEOUT_S):
            await migrate(connection, packaged())
            if applier is not None:
                await applier.begin(connection)
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"The database cannot be set up: {reason(error)}") from error
    finally:
        await connection.close()
