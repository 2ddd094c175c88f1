"""One server for all calls of this folder: the embedded database and the real model behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import FIXTURE, RunningServer, as_wav, running_server


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[RunningServer]:
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running
        assert running.stop() == 0


@pytest.fixture(scope="session")
def microphones(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("microphones")
    return {role: as_wav(FIXTURE / f"{role}.ogg", folder / f"{role}.wav") for role in ("clinician", "patient")}
