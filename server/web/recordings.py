"""Finalized recordings: list and download."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

from aiohttp import web

from ..model.errors import DatabaseUnavailable, NotFound
from .exchange import Speaks, json_response, speaks
from .keys import SETTINGS, STORE, settled_store
from .paths import consultation_id_of, file_name_of
from .resources import RecordingList

CONTENT_TYPES = {"ogg": "audio/ogg", "wav": "audio/wav"}


@speaks(Speaks(returns=RecordingList, raises=(NotFound, DatabaseUnavailable)))
async def list_recordings(request: web.Request) -> web.Response:
    """List the finalized recording's files."""
    consultation_id = consultation_id_of(request)
    store = await settled_store(request)
    await store.consultation(consultation_id)
    files = tuple(await store.recordings(consultation_id))
    return json_response(RecordingList(consultation_id=consultation_id, files=files))


@speaks(Speaks(contents=tuple(CONTENT_TYPES.values()), ranged=True, raises=(NotFound, DatabaseUnavailable)))
async def read_recording(request: web.Request) -> web.StreamResponse:
    """Download one file, or the part that a Range header names."""
    consultation_id = consultation_id_of(request)
    name = file_name_of(request)
    files = {file.name: file for file in await request.app[STORE].recordings(consultation_id)}
    if name not in files:
        raise NotFound("There is no recording with this name.")
    path = request.app[SETTINGS].recordings_dir / consultation_id / name
    if not await asyncio.to_thread(_is_plain_file, path):
        raise NotFound("The recording's file is no longer on the server's disk.")
    return web.FileResponse(
        path,
        headers={
            "Content-Type": CONTENT_TYPES[files[name].format],
            "Content-Disposition": f'attachment; filename="{consultation_id}-{name}"',
        },
    )


def _is_plain_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
