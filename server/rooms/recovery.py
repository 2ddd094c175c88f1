"""The recordings that a process left unfinished when it died."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import structlog

from ..model.recording_events import RecordingFinalized
from .services import RoomServices

log = structlog.get_logger()


async def unfinished_recordings(services: RoomServices, live_ids: Collection[str]) -> list[str]:
    """Return the consultations of this process whose recordings wait to be finished; `live_ids` go on recording."""
    recording, recordings_dir = services.recording, services.settings.recordings_dir
    unfinished = await asyncio.to_thread(recording.unfinished, recordings_dir)
    left = {folder.name for folder in unfinished if services.owns(folder.name)}
    # Finished by the recover command, or just before the process died: the database has not heard of them.
    finished = await asyncio.to_thread(recording.finished, recordings_dir)
    done = [folder.name for folder in finished if services.owns(folder.name)]
    left.update(await services.store.without_recordings(done))
    return sorted(left.difference(live_ids))


async def finish_recording(services: RoomServices, consultation_id: str) -> bool:
    """Finish one and have it noted; return whether that went well. Never raises."""
    folder = services.settings.recordings_dir / consultation_id
    try:
        with services.finishing.following(consultation_id) as on_progress:
            manifest = await services.recording.recover(folder, on_progress)
    except Exception:
        log.exception("recording.recovery_failed", consultation_id=consultation_id)
        return False
    if not manifest.files:
        services.finishing.forget(consultation_id)
        return True
    end_s = max((file.start_s + file.duration_s for file in manifest.files), default=0.0)
    services.store.record(consultation_id, RecordingFinalized(at_s=end_s, files=manifest.files))
    return True
