"""Writes that other processes left waiting: of an earlier start with more workers, with fewer, or with none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from ..model.errors import Conflict, DatabaseUnavailable
from .applier import Applier
from .connecting import check_url
from .setting_up import set_up
from .sole import SoleServer
from .spool import Spool
from .status import Status

log = structlog.get_logger()

OWNER_WAIT_S = 120.0
"""How long processes of an earlier start may take to end: workers whose front was killed finalize their recordings."""
STALLED_S = 30.0


def spool_dir(data_dir: Path, worker: int | None = None) -> Path:
    """Return where a server's writes wait, or those of one of its workers."""
    return data_dir / ("spool" if worker is None else f"spool-{worker}")


@asynccontextmanager
async def holding(database_url: str, data_dir: Path) -> AsyncIterator[None]:
    """Hold the database for processes that share it, set up and with nothing left waiting from before.

    Raises:
        InvalidSettings: If `database_url` cannot be read.
        Conflict: If another server holds it or uses a spool.
        DatabaseUnavailable: If it does not answer or cannot be set up.
        DatabaseMismatch: If it was made by another version of Escuta.
    """
    check_url(database_url)
    sole = SoleServer(database_url)
    try:
        await sole.take()
        await set_up(database_url)
        await apply_left(database_url, data_dir)
        yield
    finally:
        await sole.aclose()


async def apply_left(database_url: str, data_dir: Path, *, but: Path | None = None) -> None:
    """Carry what waits in the spools of `data_dir`, `but` one, into the database.

    Raises:
        Conflict: If another process goes on using one of them.
        DatabaseUnavailable: If the database takes nothing for `STALLED_S`, or cannot be set up.
    """
    for folder in await asyncio.to_thread(_spools, data_dir):
        if folder != but:
            spool = await _taken(folder)
            try:
                if spool.waiting_bytes:
                    await _apply(database_url, spool)
            finally:
                spool.close()


def _spools(data_dir: Path) -> list[Path]:
    return [folder for folder in sorted((spool_dir(data_dir), *data_dir.glob("spool-*"))) if folder.is_dir()]


async def _taken(folder: Path) -> Spool:
    """Open a spool; processes whose parent was killed may still be putting their papers in order."""
    loop = asyncio.get_running_loop()
    until_s, told = loop.time() + OWNER_WAIT_S, False
    while True:
        try:
            return Spool(folder)
        except Conflict:
            if loop.time() > until_s:
                raise
            if not told:
                log.warning("storage.waiting_for_an_earlier_start", at_most_s=OWNER_WAIT_S, folder=str(folder))
                told = True
        await asyncio.sleep(0.1)


async def _apply(database_url: str, spool: Spool) -> None:
    applier = Applier(database_url, spool, Status())
    await set_up(database_url, applier)
    if not spool.waiting:
        return
    log.info("storage.left_writes", waiting=spool.waiting, folder=str(spool.folder))
    applier.start()
    try:
        while (before := spool.waiting) > 0:
            try:
                async with asyncio.timeout(STALLED_S):
                    await applier.reached(spool.last_sequence)
            except TimeoutError:
                if spool.waiting == before:
                    raise DatabaseUnavailable(
                        f"The database does not take the writes waiting in {spool.folder}: look at its server."
                    ) from None
    finally:
        await applier.aclose()
