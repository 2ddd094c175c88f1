"""The database goes away in mid-call: nothing is lost, nothing comes twice, nobody waits for it."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
import pytest

from server.model.errors import Conflict, DatabaseUnavailable
from server.storage import applier as applier_module
from server.storage import database as database_module
from server.storage import sole as sole_module
from server.storage.embedded import EmbeddedPostgres
from server.storage.records import pack
from server.storage.spool import Spool
from server.storage.store import Store
from tests.storage.facts import CID, UNLOGGED, consultation, one_of_each, said

PATIENCE_S = 90.0


class Database:
    """An embedded server to be hurt."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self._frozen: list[psutil.Process] = []

    def kill(self) -> None:
        assert self.server.pid is not None
        os.kill(self.server.pid, signal.SIGKILL)

    def freeze(self) -> None:
        assert self.server.pid is not None
        postmaster = psutil.Process(self.server.pid)
        self._frozen = [postmaster, *postmaster.children(recursive=True)]
        for process in self._frozen:
            process.suspend()

    def thaw(self) -> None:
        for process in self._frozen:
            if process.is_running():
                process.resume()
        self._frozen = []


@pytest.fixture
async def database(data_dir: Path) -> AsyncIterator[Database]:
    server = EmbeddedPostgres(data_dir)
    await server.start()
    database = Database(server)
    yield database
    database.thaw()
    await server.stop()


@pytest.fixture
async def store(database: Database, data_dir: Path) -> AsyncIterator[Store]:
    store = await Store.open(database.server.url, data_dir / "spool")
    await store.create_consultation(consultation())
    yield store
    await store.aclose()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)


async def ids(store: Store) -> list[str]:
    return [utterance.id for utterance in await store.utterances(CID)]


def numbered(count: int, first: int = 0) -> list[str]:
    return [f"u{number}" for number in range(first, first + count)]


async def test_killing_the_database_in_mid_stream_loses_nothing_and_doubles_nothing(
    database: Database, store: Store
) -> None:
    states: list[str] = []
    store.subscribe_state(lambda state, detail: states.append(state))
    deaths = 0
    for number in range(600):
        if number in (150, 400):
            await until(lambda deaths=deaths: database.server.restarts == deaths)  # type: ignore[misc]
            database.kill()
            deaths += 1
        store.record(CID, said(number))
        await asyncio.sleep(0)
    assert await store.settled(PATIENCE_S)
    assert await ids(store) == numbered(600)
    assert states[-1:] in ([], ["ok"])
    assert store.refused == store.lost == 0


async def test_effects_that_would_show_a_repetition_happen_once(database: Database, store: Store) -> None:
    """The activity log has no key that could hide a second application."""
    events = [event for event in one_of_each() if event.type not in UNLOGGED]
    deaths = 0
    for round_number in range(8):
        if round_number in (2, 5):
            await until(lambda deaths=deaths: database.server.restarts == deaths)  # type: ignore[misc]
            database.kill()
            deaths += 1
        for event in events:
            store.record(CID, event)
            await asyncio.sleep(0)
    assert await store.settled(PATIENCE_S)
    kinds = [entry.kind for entry in await store.activity(CID)]
    assert kinds == ["consultation_created", *[event.type for event in events] * 8]


async def test_the_state_says_delayed_and_then_ok(database: Database, data_dir: Path) -> None:
    store = await Store.open(database.server.url, data_dir / "spool")
    await store.create_consultation(consultation())
    states: list[tuple[str, str]] = []
    store.subscribe_state(lambda state, detail: states.append((state, detail)))
    await database.server.stop()
    store.record(CID, said(1))
    await until(lambda: store.state[0] == "delayed")
    assert not await store.settled(0.2)
    assert store.waiting >= 1
    await database.server.start()
    assert await store.settled(PATIENCE_S)
    await until(lambda: store.state[0] == "ok")
    assert [state for state, _ in states] == ["delayed", "ok"]
    assert "safely on disk" in states[0][1]
    await store.aclose()


async def test_reading_from_a_stopped_database_is_refused_and_works_once_it_is_back(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "ANSWER_TIMEOUT_S", 0.3)
    await database.server.stop()
    for read in (store.consultation(CID), store.agents(), store.create_consultation(consultation("consultation-2"))):
        with pytest.raises(DatabaseUnavailable):
            await read
    monkeypatch.undo()
    await database.server.start()
    assert await store.consultation(CID) == consultation()


async def test_reading_from_a_frozen_database_is_refused_rather_than_waited_for(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.agents()
    monkeypatch.setattr(database_module, "ANSWER_TIMEOUT_S", 0.3)
    database.freeze()
    async with asyncio.timeout(PATIENCE_S):
        for read in (store.agents(), store.utterances(CID)):
            with pytest.raises(DatabaseUnavailable):
                await read
    monkeypatch.undo()
    database.thaw()
    assert await store.consultation(CID) == consultation()


async def test_an_idle_store_notices_that_the_database_went_away(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await store.settled(PATIENCE_S)
    monkeypatch.setattr(applier_module, "IDLE_CHECK_S", 0.05)
    store.record(CID, said(0))  # ends the long rest it is in
    assert await store.settled(PATIENCE_S)
    await database.server.stop()
    await until(lambda: store.state[0] == "delayed")
    await database.server.start()
    await until(lambda: store.state[0] == "ok")


async def test_every_pooled_connection_may_be_broken_without_a_reader_noticing(
    database: Database, store: Store
) -> None:
    await asyncio.gather(*(store.agents() for _ in range(20)))
    database.kill()
    await until(lambda: database.server.restarts == 1)
    for _ in range(5):
        assert await store.consultation(CID) == consultation()


async def test_after_an_outage_a_second_server_is_still_refused(
    database: Database, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.kill()
    await until(lambda: database.server.restarts == 1)
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    with psycopg.connect(database.server.url, autocommit=True) as check:
        await until(lambda: check.execute(held.encode()).fetchone() == (1,))
    monkeypatch.setattr(sole_module, "WAIT_S", 0.1)
    with pytest.raises(Conflict):
        await Store.open(database.server.url, tmp_path / "second")


async def test_a_batch_on_a_frozen_database_is_given_up_and_done_again(
    database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await store.settled(PATIENCE_S)
    monkeypatch.setattr(applier_module, "BATCH_TIMEOUT_S", 0.3)
    database.freeze()
    store.record(CID, said(0))
    await until(lambda: store.state[0] == "delayed")
    store.record(CID, said(1))
    monkeypatch.undo()
    database.thaw()
    assert await store.settled(PATIENCE_S)
    assert await ids(store) == numbered(2)


async def test_closing_while_the_database_is_frozen_ends_and_the_next_start_goes_on(
    database: Database, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.storage.store.LAST_WRITES_S", 0.1)
    store = await Store.open(database.server.url, data_dir / "spool")
    await store.create_consultation(consultation())
    assert await store.settled(PATIENCE_S)
    database.freeze()
    for number in range(10):
        store.record(CID, said(number))
    async with asyncio.timeout(PATIENCE_S):
        await store.aclose()
    database.thaw()
    store = await Store.open(database.server.url, data_dir / "spool")
    assert await store.settled(PATIENCE_S)
    assert await ids(store) == numbered(10)
    await store.aclose()


RECORD_FOREVER = """
import asyncio, sys
from pathlib import Path
from server.storage.store import Store
from tests.storage.facts import CID, said

async def main():
    store = await Store.open(sys.argv[1], Path(sys.argv[2]))
    number = 0
    while True:
        store.record(CID, said(number))
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()
        number += 1
        if number % 5 == 0:
            await asyncio.sleep(0.001)

asyncio.run(main())
"""


async def test_a_killed_process_loses_nothing_that_record_returned_for(database_url: str, tmp_path: Path) -> None:
    setup = await Store.open(database_url, tmp_path / "setup")
    await setup.create_consultation(consultation())
    await setup.aclose()
    spool_dir = str(tmp_path / "spool")
    told = 0
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", RECORD_FOREVER, database_url, spool_dir, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        lines: list[bytes] = []
        async with asyncio.timeout(PATIENCE_S):
            while len(lines) < 300:
                line = await process.stdout.readline()
                assert line, "the recording process ended by itself"
                if line.strip().isdigit():
                    lines.append(line)
        process.kill()
        rest = await process.stdout.read()
        await process.wait()
        numbers = [int(line) for line in [*lines, *rest.splitlines()] if line.strip().isdigit()]
        told = max(told, max(numbers) + 1)
    survivor = await Store.open(database_url, Path(spool_dir))
    assert await survivor.settled(PATIENCE_S)
    kept = await ids(survivor)
    # The kill may fall between `record` and the line that tells of it.
    assert kept == numbered(max(told, len(kept)))
    assert len(kept) <= told + 1
    assert survivor.refused == 0
    await survivor.aclose()


async def test_what_was_committed_unheard_is_not_applied_again(database_url: str, tmp_path: Path) -> None:
    """The process died after the commit, before the spool let go of what it held."""
    before, after = tmp_path / "before", tmp_path / "after"
    spool = Spool(before)
    for event in one_of_each():
        spool.append(pack(CID, datetime.now(UTC), event))
    spool.close()
    shutil.copytree(before, after)
    setup = await Store.open(database_url, tmp_path / "setup")
    await setup.create_consultation(consultation())
    await setup.aclose()
    for folder in (before, after):
        store = await Store.open(database_url, folder)
        assert await store.settled(PATIENCE_S)
        assert store.refused == 0
        await store.aclose()
    with psycopg.connect(database_url) as check:
        rows = check.execute("SELECT kind, count(*) FROM activity GROUP BY kind HAVING count(*) > 1").fetchall()
    assert rows == []


async def test_without_a_database_a_store_does_not_open_and_its_spool_is_kept(
    database: Database, data_dir: Path
) -> None:
    store = await Store.open(database.server.url, data_dir / "spool")
    await store.create_consultation(consultation())
    await store.aclose()
    spool = Spool(data_dir / "spool")
    spool.resume(1)
    spool.append(pack(CID, datetime.now(UTC), said(0)))
    spool.close()
    await database.server.stop()
    with pytest.raises(DatabaseUnavailable):
        await Store.open(database.server.url, data_dir / "spool")
    await database.server.start()
    store = await Store.open(database.server.url, data_dir / "spool")
    assert await ids(store) == numbered(1)  # what waited can be read as soon as the store is open
    await store.aclose()


async def test_a_store_opens_on_a_full_spool_and_empties_it(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = await Store.open(database_url, tmp_path / "setup")
    await setup.create_consultation(consultation())
    await setup.aclose()
    spool = Spool(tmp_path / "spool")
    for number in range(50):
        spool.append(pack(CID, datetime.now(UTC), said(number)))
    monkeypatch.setattr("server.storage.spool.LIMIT_BYTES", spool.waiting_bytes)
    spool.close()
    store = await Store.open(database_url, tmp_path / "spool")
    assert await ids(store) == numbered(50)
    await store.aclose()


async def test_tables_that_vanish_are_waited_for_not_written_off(database_url: str, tmp_path: Path) -> None:
    store = await Store.open(database_url, tmp_path / "spool")
    await store.create_consultation(consultation())
    assert await store.settled(PATIENCE_S)
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE utterances RENAME TO elsewhere")
        store.record(CID, said(0))
        await until(lambda: store.state[0] == "delayed")
        owner.execute("ALTER TABLE elsewhere RENAME TO utterances")
    assert await store.settled(PATIENCE_S)
    assert await ids(store) == numbered(1)
    assert store.refused == 0
    await store.aclose()


async def test_a_nearly_full_spool_is_said_to_fail(
    database: Database, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.storage.spool.LIMIT_BYTES", 20_000)
    store = await Store.open(database.server.url, data_dir / "spool")
    await store.create_consultation(consultation())
    assert await store.settled(PATIENCE_S)
    await database.server.stop()
    store.record(CID, said(0))
    await until(lambda: store.state[0] == "delayed")
    number = 1
    while store.state[0] == "delayed":
        store.record(CID, said(number))
        number += 1
    assert store.state[0] == "failing"
    assert store.lost == 0
    while store.lost == 0:
        store.record(CID, said(number))
        number += 1
    await database.server.start()
    assert await store.settled(PATIENCE_S)
    assert await ids(store) == numbered(number - 1)
    await until(lambda: store.state[0] == "ok")
    await store.aclose()
