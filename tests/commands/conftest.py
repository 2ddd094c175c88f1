"""A folder of its own for each command: no `.env`, no setting of the machine's, no logs set up by the one before."""

import logging
import os
import socket

import pytest
import structlog

from server.settings import Settings
from tests.turnserver import HOST


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RECORDINGS_DIR", str(tmp_path / "recordings"))
    os.makedirs("recordings")
    return tmp_path


@pytest.fixture(autouse=True)
def logs_as_before():
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


@pytest.fixture
def taken_port():
    with socket.create_server((HOST, 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def closed_port():
    with socket.create_server((HOST, 0)) as listening:
        return listening.getsockname()[1]
