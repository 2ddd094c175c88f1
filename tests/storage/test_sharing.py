"""Several processes on one database, and what a process of another kind of start left waiting."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from server.model.errors import Conflict, DatabaseUnavailable
from server.model.events import ConsultationOpened
from server.storage import left_spools as left_spools_module
from server.storage import sole as sole_module
from server.storage.left_spools import apply_left, holding, spool_dir
from server.storage.records import pack
from server.storage.spool import Spool
from server.storage.store import Store

from .facts import CID, OPENED_AT, consultation, joined, said

PATIENCE_S = 30.0


def leave(folder: Path, *events) -> None:
    """Write events as a process does that is killed before the database has them."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    spool = Spool(folder)
    for event in events:
        spool.append(pack(CID, datetime.now(UTC), event))
    spool.close()


async def make(database_url: str, folder: Path) -> None:
    store = await Store.open(database_url, folder)
    await store.create_consultation(consultation())
    await store.aclose()


@pytest.mark.parametrize("left_in", ["spool", "spool-0", "spool-5"])
async def test_what_any_earlier_start_left_is_applied_before_the_workers_begin(
    database_url: str, tmp_path: Path, left_in: str
) -> None:
    await make(database_url, tmp_path / "elsewhere")
    leave(tmp_path / "data" / left_in, ConsultationOpened(at_s=0.0, opened_at=OPENED_AT), said(1))
    async with holding(database_url, tmp_path / "data"):
        store = await Store.open(database_url, spool_dir(tmp_path / "data", 0), owns=lambda _: True)
        assert [one.id for one in await store.live_consultations()] == [CID]
        assert len(await store.utterances(CID)) == 1
        await store.aclose()


async def test_a_single_process_applies_what_workers_left_once(database_url: str, tmp_path: Path) -> None:
    await make(database_url, tmp_path / "data/spool")
    leave(tmp_path / "data/spool-1", said(1), said(2))
    for _ in range(2):
        await apply_left(database_url, tmp_path / "data", but=tmp_path / "data/spool")
    store = await Store.open(database_url, tmp_path / "data/spool")
    assert len(await store.utterances(CID)) == 2
    await store.aclose()


async def test_a_spool_still_in_use_is_waited_for_then_refused(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(database_url, tmp_path / "elsewhere")
    leave(tmp_path / "data/spool-1", said(1))
    busy = Spool(tmp_path / "data/spool-1")
    asyncio.get_running_loop().call_later(0.3, busy.close)
    await apply_left(database_url, tmp_path / "data")
    busy = Spool(tmp_path / "data/spool-1")
    monkeypatch.setattr(left_spools_module, "OWNER_WAIT_S", 0.0)
    with pytest.raises(Conflict, match="spool-1"):
        await apply_left(database_url, tmp_path / "data")
    busy.close()


async def test_a_database_that_takes_nothing_is_told(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(database_url, tmp_path / "elsewhere")
    leave(tmp_path / "data/spool-1", said(1))
    monkeypatch.setattr(left_spools_module, "STALLED_S", 0.2)
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE utterances")
        with pytest.raises(DatabaseUnavailable, match="spool-1"):
            await apply_left(database_url, tmp_path / "data")


async def test_workers_share_a_database_that_is_held_for_them(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sole_module, "WAIT_S", 0.1)
    async with holding(database_url, tmp_path / "data"):
        stores = [await Store.open(database_url, spool_dir(tmp_path / "data", i), lambda _: True) for i in (0, 1)]
        await stores[0].create_consultation(consultation())
        assert (await stores[1].consultation(CID)).id == CID
        with pytest.raises(Conflict, match="DATABASE_URL"):
            await Store.open(database_url, tmp_path / "third")
        for store in stores:
            await store.aclose()


@pytest.mark.parametrize(("owned", "present_s"), [(True, 42.0), (False, 0.0)])
async def test_a_worker_that_begins_anew_ends_presence_only_where_it_owns(
    database_url: str, tmp_path: Path, owned: bool, present_s: float
) -> None:
    await make(database_url, tmp_path / "elsewhere")
    spool = tmp_path / "data/spool-0"
    first = await Store.open(database_url, spool, lambda _: True)
    for event in (ConsultationOpened(at_s=0.0, opened_at=OPENED_AT), joined(0.0), said(1, start_s=41.5)):
        first.record(CID, event)
    await first.aclose()
    again = await Store.open(database_url, spool, lambda _: owned)
    assert await again.settled(PATIENCE_S)
    assert [person.present_s for person in await again.participants(CID)] == [present_s]
    await again.aclose()
