"""A real PostgreSQL for tests: one server for the session, a fresh database for each test that asks."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from server.storage.embedded import EmbeddedPostgres

_numbers = count(1)


@dataclass(frozen=True)
class PostgresServer:
    """A server with no database of ours in it."""

    url: str

    def create_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{next(_numbers)}"
        self._run(f"CREATE DATABASE {name}")
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._run(f"DROP DATABASE {urlsplit(url).path[1:]} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder: in memory where there is room, since a database waits for its disk."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30
    # Never below pytest's own folder: pytest closes that to every other account whenever it starts anywhere.
    folder = Path(tempfile.mkdtemp(prefix="escuta-test-", dir=memory if roomy else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(folder: Path) -> Iterator[EmbeddedPostgres]:
    # A loop factory keeps the runner from setting the thread's current event loop.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        server = EmbeddedPostgres(folder)
        runner.run(server.start())
        try:
            yield server
        finally:
            runner.run(server.stop())


def _copy(cluster: Path, folder: Path) -> None:
    subprocess.run(["cp", "-a", f"{cluster}/.", folder], check=True)


@pytest.fixture(scope="session")
def _stopped_cluster() -> Iterator[Path]:
    """The data folder of a server that was started and stopped once, to be copied: making one takes seconds."""
    with _folder() as folder:
        with _running(folder):
            pass
        yield folder


@pytest.fixture
def data_dir(_stopped_cluster: Path) -> Iterator[Path]:
    """A folder in which an embedded server of the test's own can be started; it was started and stopped before."""
    with _folder() as folder:
        _copy(_stopped_cluster, folder)
        yield folder


@pytest.fixture
def empty_data_dir() -> Iterator[Path]:
    """A folder in which an embedded server was never started."""
    with _folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres_server(_stopped_cluster: Path) -> Iterator[PostgresServer]:
    """The embedded server, on a folder of its own."""
    with _folder() as folder:
        _copy(_stopped_cluster, folder)
        with _running(folder) as server:
            yield PostgresServer(server.url)


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh, empty database."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)
