"""One server for a database: a second is refused, a restart is not, and an outage changes nothing."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from server.model.errors import Conflict, DatabaseUnavailable
from server.storage import sole as sole_module
from server.storage.queries import queries
from server.storage.sole import SoleServer
from server.storage.store import Store

from .facts import CID, consultation, said

PATIENCE_S = 30.0
HOLDERS = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = %s::oid"
WAITING = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = %s::oid"


class Locks:
    """Who holds the database and who waits for it, as its server sees it."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        row = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
        self._database = row[0] if row else 0

    def pids(self, which: str = HOLDERS) -> list[int]:
        return [pid for (pid,) in self._connection.execute(which.encode(), (self._database,))]

    def end(self, pid: int) -> None:
        self._connection.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))


@pytest.fixture
def locks(database_url: str):  # type: ignore[no-untyped-def]
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield Locks(connection)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sole_module, "CHECK_S", 0.05)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)


async def test_a_second_server_on_the_database_is_told_and_the_first_goes_on(
    store: Store, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sole_module, "WAIT_S", 0.1)
    with pytest.raises(Conflict, match="DATABASE_URL") as raised:
        await Store.open(database_url, tmp_path / "second")
    assert "\n" not in str(raised.value)
    store.record(CID, said(0))
    assert await store.settled(PATIENCE_S)
    assert store.refused == store.lost == 0
    await store.aclose()
    second = await Store.open(database_url, tmp_path / "second")  # nothing of the refused attempt is in the way
    assert [utterance.id for utterance in await second.utterances(CID)] == ["u0"]
    await second.aclose()


async def test_a_session_that_lingers_after_a_kill_is_waited_for(
    database_url: str, tmp_path: Path, locks: Locks
) -> None:
    lingering = psycopg.connect(database_url, autocommit=True)
    lingering.execute(queries()["hold_database"])
    start = asyncio.create_task(Store.open(database_url, tmp_path / "spool"))
    await until(lambda: locks.pids(WAITING) != [])
    lingering.close()
    store = await start
    await store.create_consultation(consultation())
    await store.aclose()


async def test_the_database_is_taken_again_after_its_session_was_ended(
    store: Store, database_url: str, tmp_path: Path, locks: Locks, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        (before,) = locks.pids()
        locks.end(before)
        await until(lambda before=before: locks.pids() not in ([], [before]))  # type: ignore[misc]
    monkeypatch.setattr(sole_module, "WAIT_S", 0.1)
    with pytest.raises(Conflict):
        await Store.open(database_url, tmp_path / "second")


async def test_who_lost_the_database_to_another_waits_for_it_and_closes_at_once(
    store: Store, database_url: str, locks: Locks
) -> None:
    """The call goes on: what is lost is only the guard."""
    (ours,) = locks.pids()
    with psycopg.connect(database_url, autocommit=True) as usurper:
        taking = asyncio.to_thread(usurper.execute, queries()["hold_database"])
        waiting = asyncio.create_task(taking)
        await until(lambda: locks.pids(WAITING) != [])
        locks.end(ours)
        await waiting
        await until(lambda: locks.pids(WAITING) != [])
        store.record(CID, said(0))
        assert await store.settled(PATIENCE_S)
        async with asyncio.timeout(sole_module.WAIT_S / 2):
            await store.aclose()


async def test_closing_lets_the_next_one_have_it(database_url: str, locks: Locks) -> None:
    for _ in range(3):
        sole = SoleServer(database_url)
        await sole.take()
        assert len(locks.pids()) == 1
        await sole.aclose()
        await sole.aclose()
    await until(lambda: locks.pids() == [])


async def test_without_a_database_there_is_nothing_to_take(tmp_path: Path) -> None:
    sole = SoleServer(f"postgresql:///escuta?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable):
        await sole.take()
    await sole.aclose()


async def test_a_start_that_is_given_up_while_waiting_leaves_nothing(
    store: Store, database_url: str, tmp_path: Path, locks: Locks
) -> None:
    start = asyncio.create_task(Store.open(database_url, tmp_path / "second"))
    await until(lambda: locks.pids(WAITING) != [])
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    await until(lambda: locks.pids(WAITING) == [])
