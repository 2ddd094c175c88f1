"""What people read when their database cannot be reached."""

import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from server.model.errors import DatabaseUnavailable, InvalidSettings
from server.storage.connecting import check_url, connect, reason
from server.storage.store import Store

PASSWORD = "hunter2"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A TCP port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def test_a_database_that_is_away_at_the_start_is_said_in_one_telling_sentence(
    closed_port: int, tmp_path: Path
) -> None:
    with pytest.raises(DatabaseUnavailable) as raised:
        await Store.open(f"postgresql://escuta:{PASSWORD}@127.0.0.1:{closed_port}/escuta", tmp_path / "spool")
    message = str(raised.value)
    assert "DATABASE_URL" in message
    assert f'"127.0.0.1", port {closed_port} failed: Connection refused' in message
    assert PASSWORD not in message
    assert "?" not in message
    assert "\n" not in message


async def test_of_several_hosts_that_are_away_the_first_line_is_said(closed_port: int) -> None:
    with pytest.raises(DatabaseUnavailable) as raised:
        await connect(f"postgresql://escuta:{PASSWORD}@127.0.0.1:{closed_port},127.0.0.1:{closed_port}/escuta")
    message = str(raised.value)
    assert "Connection refused" in message
    assert "\n" not in message
    assert "All failures" not in message


def test_the_reason_of_an_error_is_its_first_line() -> None:
    error = psycopg.OperationalError('\n  relation "said" is missing\nDETAIL:  dor secreta\nHINT:  Is it there?')
    assert reason(error) == 'relation "said" is missing'
    assert reason(psycopg.OperationalError()) == "OperationalError"
    assert reason(psycopg.OperationalError("timed out.")) == "timed out"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://escuta:{PASSWORD}@more@db.example.org/escuta",  # the rest would be taken for the host
        f"postgresql://escuta:{PASSWORD}/more@db.example.org/escuta",  # the beginning would be taken for the port
        f"postgresql://escuta:{PASSWORD}%ec@db.example.org/escuta",
        f"postgresql://escuta:{PASSWORD}%zz@db.example.org/escuta",
        f"postgresql://escuta:{PASSWORD}@db.example.org/escuta?sslmod=require",
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(InvalidSettings, match="DATABASE_URL") as raised:
        check_url(url)
    assert PASSWORD not in str(raised.value)
    assert "more" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://escuta:a%40b@db.example.org:5432,db2.example.org/escuta",
        "postgresql:///escuta?host=/run/postgresql&port=5433",
        "postgresql://postgres@/postgres?host=%2Fsrv%2Fa%40b%2Frun&port=5432",
        "host=@/abstract dbname=escuta",
        "postgresql://escuta@[::1]:5432/escuta",
    ],
)
def test_urls_that_can_be_meant_are_taken(url: str) -> None:
    check_url(url)
