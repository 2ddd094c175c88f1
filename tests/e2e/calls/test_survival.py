"""What is left of a consultation when the server is stopped, politely or not."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import aiohttp
import pytest

from server.model.consultation import Role
from server.replay.client import ReplayClient
from server.replay.player import FileTrack
from tests.e2e.running import FIXTURE, running_server, until


async def _talk(server, consultation: str, seconds: float, then) -> float:
    """Two clients talk for a while, then `then` happens to the server; return the room time at that moment."""
    tracks = {role: FileTrack(FIXTURE / f"{role.value}.ogg") for role in Role}
    clients = [
        ReplayClient(server.address, server.token(role.value, consultation), tracks[role], lambda *_: None)
        for role in Role
    ]
    async with clients[0], clients[1]:
        for track in tracks.values():
            track.play()
        await asyncio.sleep(seconds)
        room_s = clients[0].room_s(time.monotonic())
        await asyncio.to_thread(then)
    return room_s


def _exists(path: Path):
    async def check() -> bool:
        return await asyncio.to_thread(path.exists)

    return check


def _manifest(server, consultation: str):
    return json.loads((server.recordings / consultation / "manifest.json").read_text())


@pytest.mark.timeout(240)
async def test_sigkill_loses_at_most_the_last_second_and_the_next_start_finishes_the_job(tmp_path, data_dir):
    with running_server(tmp_path, data_dir, SPEECH_PROVIDER="scripted") as server:
        consultation = await server.consultation("pt")
        killed_s = await _talk(server, consultation, 6.0, server.kill)
    with running_server(tmp_path, data_dir, SPEECH_PROVIDER="scripted", RECONNECT_GRACE_S="1") as server:
        await until(_exists(server.recordings / consultation / "manifest.json"))
        manifest = _manifest(server, consultation)
        assert len({file["duration_s"] for file in manifest["files"]}) == 1
        assert manifest["files"][0]["duration_s"] >= killed_s - 1.0
        path = f"/api/consultations/{consultation}"

        async def is_kept() -> bool:
            ended = (await server.call("GET", path))["status"] == "ended"
            return ended and len((await server.call("GET", f"{path}/recordings"))["files"]) == 5

        await until(is_kept)


@pytest.mark.timeout(240)
async def test_ctrl_c_ends_calls_cleanly_and_finalizes_recordings(tmp_path, data_dir):
    with running_server(tmp_path, data_dir, SPEECH_PROVIDER="scripted") as server:
        consultation = await server.consultation("pt")
        await _talk(server, consultation, 5.0, server.stop)
        assert server.process.returncode == 0
        assert len(_manifest(server, consultation)["files"]) == 5


@pytest.mark.timeout(120)
async def test_metrics_count_what_crosses_a_call(server):
    consultation = await server.consultation("pt")

    async def read() -> None:
        async with aiohttp.ClientSession(server.address) as session, session.get("/metrics") as response:
            lines.update(line.rsplit(" ", 1) for line in (await response.text()).splitlines() if line[0] != "#")

    lines: dict[str, str] = {}
    clients = [
        ReplayClient(server.address, server.token(role.value, consultation), FileTrack(None), lambda *_: None)
        for role in Role
    ]
    async with clients[0], clients[1]:
        await asyncio.sleep(2)
        await read()
    assert float(lines['escuta_media_packets_total{direction="in",kind="audio"}']) > 50
    assert float(lines['escuta_media_packets_total{direction="out",kind="audio"}']) > 50
    assert float(lines["escuta_sockets"]) >= 2
    assert float(lines["escuta_recordings_running"]) >= 1
    assert lines["escuta_storage_waiting"] == "0"
