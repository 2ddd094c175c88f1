"""Finalized recordings: list and download, and what their waveform looks like."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

from aiohttp import web

from ..model.errors import DatabaseUnavailable, NotFound
from ..model.recording_events import RecordingFile
from ..model.recording_state import NOTHING_RECORDED, READY, RecordingState
from .exchange import Speaks, json_response, speaks
from .keys import ROOMS, SETTINGS, STORE, settled_store
from .paths import consultation_id_of, file_name_of
from .resources import RecordingList, RecordingPeaks

PEAKS_NAME = "peaks.json"
CONTENT_TYPES = {"ogg": "audio/ogg", "wav": "audio/wav"}


@speaks(Speaks(returns=RecordingList, raises=(NotFound, DatabaseUnavailable)))
async def list_recordings(request: web.Request) -> web.Response:
    """Tell how far the recording is, and list its files once they are made."""
    consultation_id = consultation_id_of(request)
    now = request.app[ROOMS].recording_state(consultation_id)
    if now is not None and now.state in ("recording", "finalizing"):
        # Asked every second or so: the database need not be.
        return _listed(consultation_id, now)
    store = await settled_store(request)
    await store.consultation(consultation_id)
    files = tuple(await store.recordings(consultation_id))
    if files:
        return _listed(consultation_id, READY, files)
    # Made, but the database has not heard of it yet.
    late = now is not None and now.state == "ready"
    last = RecordingState(state="finalizing", progress=1.0) if late else now
    return _listed(consultation_id, last or NOTHING_RECORDED)


def _listed(consultation_id: str, now: RecordingState, files: tuple[RecordingFile, ...] = ()) -> web.Response:
    listed = RecordingList(consultation_id=consultation_id, state=now.state, progress=now.progress, files=files)
    return json_response(listed)


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


@speaks(Speaks(returns=RecordingPeaks, raises=(NotFound, DatabaseUnavailable)))
async def read_peaks(request: web.Request) -> web.StreamResponse:
    """Read how loud each voice is, for drawing its waveform."""
    consultation_id = consultation_id_of(request)
    path = request.app[SETTINGS].recordings_dir / consultation_id / PEAKS_NAME
    listed = await request.app[STORE].recordings(consultation_id)
    if not listed or not await asyncio.to_thread(_is_plain_file, path):
        raise NotFound("There are no waveform peaks of this consultation.")
    return web.Response(body=await asyncio.to_thread(path.read_bytes), content_type="application/json")


def _is_plain_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
