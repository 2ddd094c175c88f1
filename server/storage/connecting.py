"""Reaching PostgreSQL: connection strings, bounded waits, and one kind of error for every absence."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from ..model.errors import DatabaseUnavailable, InvalidSettings

CONNECT_TIMEOUT_S = 3

Connection = psycopg.AsyncConnection[DictRow]

AWAY = (psycopg.OperationalError, psycopg.InterfaceError, OSError)
"""What a database that is away, or refuses us, looks like."""


def check_url(database_url: str) -> None:
    """Raise InvalidSettings unless `database_url` can be read."""
    try:
        parts = conninfo_to_dict(database_url)
    except (psycopg.ProgrammingError, UnicodeDecodeError):
        # The library's message repeats what it was given, which may be a password.
        raise _unreadable() from None
    # A password's own @ or / makes a part of it the host or the port, and messages name those.
    hosts = str(parts.get("host", "")).split(",")
    if any("@" in host[1:] for host in hosts if not host.startswith("/")):
        raise _unreadable()
    if str(parts.get("port", "")).strip("0123456789,"):
        raise _unreadable()


def _unreadable() -> InvalidSettings:
    return InvalidSettings(
        "DATABASE_URL cannot be read: write it as postgresql://user:password@host:5432/database, "
        "with @ : / ? # % in the password as %40 %3A %2F %3F %23 %25."
    )


async def connect(database_url: str) -> Connection:
    """Return a connection that commits each statement by itself.

    Raises:
        DatabaseUnavailable: If the server does not answer in time or does not let us in; the message says why.
    """
    try:
        return await psycopg.AsyncConnection.connect(
            database_url, autocommit=True, row_factory=dict_row, connect_timeout=CONNECT_TIMEOUT_S
        )
    except AWAY as error:
        raise DatabaseUnavailable(
            f"The database does not let us in ({reason(error)}): check DATABASE_URL and that the server runs."
        ) from None


@contextmanager
def bounded(connection: psycopg.AsyncConnection[Any], timeout_s: float) -> Iterator[None]:
    """Cut `connection` off if the block takes longer: its statement then fails with OperationalError.

    Cancelling would not do: the client library asks the server to cancel and waits for its answer, and a frozen
    server gives none.
    """
    handle = asyncio.get_running_loop().call_later(timeout_s, cut, connection)
    try:
        yield
    finally:
        handle.cancel()


def cut(connection: psycopg.AsyncConnection[Any]) -> None:
    """Take the wire away: whoever waits on `connection` gets an error at once."""
    try:
        with socket.socket(fileno=os.dup(connection.pgconn.socket)) as wire:
            wire.shutdown(socket.SHUT_RDWR)
    except (OSError, psycopg.Error):
        return  # it is closed already


def reason(error: BaseException) -> str:
    """Return the first line of a database error; the others are hints, or repeat what was sent."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
