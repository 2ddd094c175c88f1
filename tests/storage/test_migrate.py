"""Migrations: once, in order, all or nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from server.model.errors import DatabaseMismatch, DatabaseUnavailable, InvalidSettings
from server.storage.connecting import Connection, connect
from server.storage.migrate import Migration, migrate, packaged
from server.storage.store import Store

ONE = Migration(1, "one", b"CREATE TABLE one (id int); INSERT INTO one VALUES (1);")
TWO = Migration(2, "two", b"ALTER TABLE one ADD COLUMN name text;")
BROKEN = Migration(2, "broken", b"ALTER TABLE one ADD COLUMN name text; SELECT nothing FROM nowhere;")


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def columns(connection: Connection, table: str) -> list[str]:
    rows = await connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position", (table,)
    )
    return [row["column_name"] for row in await rows.fetchall()]


def test_the_packaged_migrations_are_numbered_without_a_gap() -> None:
    assert [migration.version for migration in packaged()] == list(range(1, len(packaged()) + 1))


async def test_each_migration_is_applied_once(connection: Connection) -> None:
    assert await migrate(connection, [ONE]) == 1
    assert await migrate(connection, [ONE, TWO]) == 1
    assert await migrate(connection, [ONE, TWO]) == 0
    assert await columns(connection, "one") == ["id", "name"]


async def test_servers_that_start_together_migrate_once(database_url: str) -> None:
    connections = [await connect(database_url) for _ in range(4)]
    applied = await asyncio.gather(*(migrate(connection, packaged()) for connection in connections))
    assert sorted(applied) == [0, 0, 0, len(packaged())]
    for connection in connections:
        await connection.close()


async def test_a_migration_that_fails_changes_nothing(connection: Connection) -> None:
    await migrate(connection, [ONE])
    with pytest.raises(psycopg.errors.UndefinedTable):
        await migrate(connection, [ONE, BROKEN])
    assert await columns(connection, "one") == ["id"]
    assert await migrate(connection, [ONE, TWO]) == 1


async def test_a_database_of_a_newer_version_is_left_alone(connection: Connection) -> None:
    await migrate(connection, [ONE, TWO])
    with pytest.raises(DatabaseMismatch, match="newer"):
        await migrate(connection, [ONE])


async def test_a_migration_changed_after_it_was_applied_is_refused(connection: Connection) -> None:
    await migrate(connection, [ONE])
    with pytest.raises(DatabaseMismatch, match="one"):
        await migrate(connection, [replace(ONE, sql=ONE.sql + b" ")])


async def test_a_store_on_another_versions_database_is_not_opened(database_url: str, tmp_path: Path) -> None:
    connection = await connect(database_url)
    await migrate(connection, [*packaged(), Migration(len(packaged()) + 1, "future", b"SELECT 1;")])
    await connection.close()
    with pytest.raises(DatabaseMismatch):
        await Store.open(database_url, tmp_path)


@pytest.mark.parametrize("url", ["postgresql://user:hunter2@[host/db", "hunter2", "http://hunter2"])
async def test_an_unreadable_url_is_refused_without_repeating_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as caught:
        await Store.open(url, tmp_path)
    assert "hunter2" not in str(caught.value)


async def test_a_database_that_lets_nobody_in_is_unavailable_and_says_why(database_url: str, tmp_path: Path) -> None:
    wrong = database_url.replace("postgres@", "nobody:hunter2@")
    with pytest.raises(DatabaseUnavailable, match="nobody") as caught:
        await Store.open(wrong, tmp_path)
    assert "hunter2" not in str(caught.value)
