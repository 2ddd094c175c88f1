"""The PostgreSQL that comes along: starting, sharing, dying and coming back."""

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import psycopg
import pytest

from server.model.errors import Conflict, DatabaseUnavailable
from server.storage import embedded as embedded_module
from server.storage.cluster import Cluster
from server.storage.embedded import EmbeddedPostgres
from tests.postgres import PostgresServer

PATIENCE_S = 60.0
HOLD_A_SERVER = """
import asyncio, sys
from pathlib import Path
from server.storage.embedded import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
async def server(data_dir: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir)
    await server.start()
    yield server
    await server.stop()


def ask(url: str, statement: str) -> object:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else None


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)


async def test_data_outlives_a_stop_and_a_start(empty_data_dir: Path) -> None:
    server = EmbeddedPostgres(empty_data_dir)
    url = await server.start()
    ask(url, "CREATE TABLE kept AS SELECT 'olá' AS word")
    await server.stop()
    with pytest.raises(psycopg.OperationalError):
        ask(url, "SELECT 1")
    assert await server.start() == url
    assert ask(url, "SELECT word FROM kept") == [("olá",)]
    await server.stop()


async def test_stopping_and_starting_twice_is_harmless(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    await server.stop()
    assert await server.start() == await server.start() == server.url
    await server.stop()
    await server.stop()
    assert server.pid is None


async def test_nobody_else_can_reach_it(server: EmbeddedPostgres, data_dir: Path) -> None:
    assert ask(server.url, "SHOW listen_addresses") == [("",)]
    for folder in ("postgres", "postgres/data", "postgres/run"):
        assert stat.S_IMODE((data_dir / folder).stat().st_mode) == 0o700
    assert server.pid is not None
    assert psutil.Process(server.pid).uids().real != 0


def test_a_data_folder_it_makes_is_closed_to_others(empty_data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cluster, "_initialize", lambda self: None)
    cluster = Cluster(empty_data_dir / "data/postgres")
    cluster.prepare()
    cluster.release()
    assert (empty_data_dir / "data").stat().st_mode & 0o006 == 0


async def test_control_c_on_the_terminal_is_not_its_concern(server: EmbeddedPostgres) -> None:
    assert server.pid is not None
    assert os.getsid(server.pid) != os.getsid(0)


async def test_a_second_escuta_on_the_same_folder_is_told_and_the_first_goes_on(
    server: EmbeddedPostgres, data_dir: Path
) -> None:
    second = EmbeddedPostgres(data_dir)
    with pytest.raises(Conflict, match=f"process {os.getpid()}"):
        await second.start()
    await second.stop()
    assert ask(server.url, "SELECT 1") == [(1,)]


async def test_a_server_that_dies_comes_back_with_what_was_committed(server: EmbeddedPostgres) -> None:
    ask(server.url, "CREATE TABLE kept AS SELECT 1 AS number")
    for death in (1, 2):
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        await until(lambda death=death: server.restarts == death)  # type: ignore[misc]
        assert ask(server.url, "SELECT number FROM kept") == [(1,)]


async def test_it_keeps_trying_while_it_cannot_come_back(
    server: EmbeddedPostgres, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_module, "RESTART_DELAYS_S", (0.01,))
    settings = data_dir / "postgres/data/postgresql.conf"
    content = settings.read_text()
    settings.write_text("nonsense\n")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    log = data_dir / "postgres/log"
    await until(lambda: log.read_text().count("contains errors") >= 2)
    assert server.restarts == 0
    settings.write_text(content)
    await until(lambda: server.restarts == 1)
    assert ask(server.url, "SELECT 1") == [(1,)]


async def test_after_escuta_is_killed_the_next_start_finds_everything(data_dir: Path) -> None:
    with subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", HOLD_A_SERVER, str(data_dir)], stdout=subprocess.PIPE, text=True
    ) as escuta:
        assert escuta.stdout is not None
        lines = iter(escuta.stdout.readline, "")
        pid = next(int(line) for line in lines if line.strip().isdigit())
        postmaster = psutil.Process(pid)
        ask(Cluster(data_dir / "postgres").url, "CREATE TABLE kept AS SELECT 1 AS number")
        escuta.kill()
    server = EmbeddedPostgres(data_dir)
    assert ask(await server.start(), "SELECT number FROM kept") == [(1,)]
    await until(lambda: not postmaster.is_running())
    await server.stop()


async def test_a_server_left_over_on_the_folder_is_ended_first(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    await server.start()
    await server.stop()
    cluster = Cluster(data_dir / "postgres")
    left_over = subprocess.Popen(  # noqa: ASYNC220
        cluster.command(), cwd="/", stderr=subprocess.DEVNULL, env=cluster.environment()
    )
    await until(cluster.is_ready)
    url = await server.start()
    assert left_over.wait(PATIENCE_S) == 0
    assert ask(url, "SELECT 1") == [(1,)]
    await server.stop()


async def test_somebody_who_looks_into_the_folder_is_left_alone(data_dir: Path) -> None:
    looking = subprocess.Popen(["sleep", "600"], cwd=data_dir / "postgres/data")  # noqa: ASYNC220
    server = EmbeddedPostgres(data_dir)
    assert ask(await server.start(), "SELECT 1") == [(1,)]
    await server.stop()
    assert looking.poll() is None
    looking.kill()
    looking.wait(PATIENCE_S)


async def test_a_pid_file_that_names_some_other_program_does_not_prevent_the_start(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    await server.start()
    await server.stop()
    stale = data_dir / "postgres/data/postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{stale.parent}\n1700000000\n5432\n/nowhere\n\n  1 1\nready   \n")
    assert ask(await server.start(), "SELECT 1") == [(1,)]
    await server.stop()


async def test_a_first_start_that_was_interrupted_is_done_again(empty_data_dir: Path) -> None:
    unfinished = empty_data_dir / "postgres/data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(empty_data_dir)
    assert ask(await server.start(), "SELECT 1") == [(1,)]
    await server.stop()
    assert not unfinished.exists()


async def test_data_of_another_postgresql_version_is_left_alone(empty_data_dir: Path) -> None:
    data = empty_data_dir / "postgres/data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("16\n")
    server = EmbeddedPostgres(empty_data_dir)
    with pytest.raises(Conflict, match="PostgreSQL 16"):
        await server.start()
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


async def test_a_start_that_fails_says_why_and_can_be_repeated(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    await server.start()
    await server.stop()
    settings = data_dir / "postgres/data/postgresql.conf"
    content = settings.read_text()
    settings.write_text("nonsense\n")
    with pytest.raises(DatabaseUnavailable, match=r"postgresql\.conf"):
        await server.start()
    settings.write_text(content)
    assert ask(await server.start(), "SELECT 1") == [(1,)]
    await server.stop()


async def test_a_start_can_be_cancelled(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cluster, "is_ready", lambda self: False)
    server = EmbeddedPostgres(data_dir)
    start = asyncio.create_task(server.start())
    log = data_dir / "postgres/log"
    await until(lambda: log.exists() and "ready to accept" in log.read_text())
    start.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await start
    assert server.pid is None
    assert not (data_dir / "postgres/data/postmaster.pid").exists()


async def test_a_path_too_long_for_a_socket_still_works(empty_data_dir: Path) -> None:
    deep = empty_data_dir.joinpath(*["a-rather-long-folder-name"] * 5)
    server = EmbeddedPostgres(deep)
    url = await server.start()
    assert ask(url, "SELECT 1") == [(1,)]
    run_dir = Cluster(deep / "postgres").run_dir
    assert stat.S_IMODE(run_dir.stat().st_mode) == 0o700
    await server.stop()
    assert not run_dir.exists()


async def test_a_socket_folder_of_somebody_else_is_not_used(empty_data_dir: Path) -> None:
    deep = empty_data_dir.joinpath(*["a-rather-long-folder-name"] * 5)
    deep.mkdir(parents=True)
    run_dir = Cluster(deep / "postgres").run_dir
    run_dir.symlink_to(empty_data_dir)
    try:
        with pytest.raises(Conflict, match="somebody else"):
            await EmbeddedPostgres(deep).start()
    finally:
        run_dir.unlink()


async def test_what_people_said_does_not_reach_the_servers_log(data_dir: Path, server: EmbeddedPostgres) -> None:
    ask(server.url, "CREATE TABLE said (text text UNIQUE CHECK (text <> 'dor-secreta-2'))")
    ask(server.url, "INSERT INTO said VALUES ('dor-secreta-1')")
    for text in ("dor-secreta-1", "dor-secreta-2"):
        with pytest.raises(psycopg.IntegrityError), psycopg.connect(server.url) as connection:
            connection.execute("INSERT INTO said VALUES (%s)", (text,))
    with pytest.raises(psycopg.errors.UndefinedColumn):
        ask(server.url, "SELECT 1 FROM said WHERE nothing = 'dor-secreta-3'")
    log = (data_dir / "postgres/log").read_text()
    assert "duplicate key" in log
    assert "dor-secreta" not in log


async def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("a file")
    with pytest.raises(DatabaseUnavailable, match="DATA_DIR"):
        await EmbeddedPostgres(tmp_path).start()


def test_portuguese_text_search_and_unicode_order_are_there(postgres_server: PostgresServer) -> None:
    found = ask(postgres_server.url, "SELECT to_tsvector('portuguese', 'dores fortes')::text, upper('ção')")
    assert found == [("'dor':1 'fort':2", "ÇÃO")]
