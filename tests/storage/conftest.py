"""A store on a fresh database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.store import Store

from .facts import consultation


@pytest.fixture
async def store(database_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    """A store that knows one consultation, `consultation-1`."""
    store = await Store.open(database_url, tmp_path / "spool")
    await store.create_consultation(consultation())
    yield store
    await store.aclose()
