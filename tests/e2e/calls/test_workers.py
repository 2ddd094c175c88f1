"""Real worker processes behind one port: each room lives in one, and what happens to one is no other's business."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import psutil
import pytest
from aiortc import RTCPeerConnection

from server.front.affinity import owner
from server.model.consultation import Role
from server.model.events import FinalTranscript
from server.replay.client import Extras, ReplayClient
from server.replay.player import FileTrack
from tests.e2e.running import FIXTURE, RunningServer, running_server, until


@dataclass
class Call:
    """Two participants of one consultation, and what the clinician has heard."""

    consultation: str
    clients: list[ReplayClient] = field(default_factory=list)
    peers: list[RTCPeerConnection] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def hear(self, _: float, event: Any) -> None:
        if isinstance(event, FinalTranscript):
            self.said.append(event.utterance.text)

    async def packets(self) -> int:
        stats = [one for peer in self.peers for one in (await peer.getStats()).values()]
        return sum(one.packetsReceived for one in stats if one.type == "inbound-rtp")


@asynccontextmanager
async def call(server: RunningServer, consultation: str) -> AsyncIterator[Call]:
    """Both sit in their seats, talking."""
    made = Call(consultation)
    tracks = [FileTrack(FIXTURE / f"{role.value}.ogg") for role in Role]
    made.clients = [
        ReplayClient(
            server.address,
            server.token(role.value, consultation),
            track,
            made.hear,
            Extras(on_peer=made.peers.append),
        )
        for role, track in zip(Role, tracks, strict=True)
    ]
    async with made.clients[0], made.clients[1]:
        for track in tracks:
            track.play()
        yield made


async def in_worker(server: RunningServer, number: int) -> str:
    """Create a consultation that lives in that one of two workers."""
    while True:
        consultation = await server.consultation()
        if owner(consultation, 2) == number:
            return consultation


def worker_pid(server: RunningServer, number: int) -> int:
    """Return the newest process of a worker, as the front logged it."""
    lines = [json.loads(line) for line in (server.folder / "server.log").read_text().splitlines() if line[0] == "{"]
    return [line["pid"] for line in lines if line["event"] == "worker.started" and line["worker"] == number][-1]


async def recorded(server: RunningServer, consultation: str) -> bool:
    path = f"/api/consultations/{consultation}"
    ended = (await server.call("GET", path))["status"] == "ended"
    return ended and len((await server.call("GET", f"{path}/recordings"))["files"]) == 5


async def answers(server: RunningServer, consultation: str) -> bool:
    """Whether the worker of a consultation is up: who comes sooner waits a moment and is then told to try again."""
    try:
        await server.call("GET", f"/api/consultations/{consultation}")
    except aiohttp.ClientResponseError as refused:
        if refused.status != 503:
            raise
        return False
    return True


def family(server: RunningServer) -> list[psutil.Process]:
    return psutil.Process(server.process.pid).children(recursive=True)


async def gone(processes: list[psutil.Process]) -> None:
    async def check() -> bool:
        return not any(process.is_running() and process.status() != "zombie" for process in processes)

    await until(check)


@pytest.mark.timeout(240)
async def test_a_killed_worker_comes_back_with_its_rooms_while_the_other_calls_go_on(tmp_path, data_dir):
    with running_server(tmp_path, data_dir, WORKERS="2", SPEECH_PROVIDER="scripted") as server:
        theirs, ours = await in_worker(server, 0), await in_worker(server, 1)
        processes = family(server)
        async with call(server, ours) as going_on:
            async with call(server, theirs) as broken:
                await until(lambda: _more_than(going_on, 100))
                await asyncio.to_thread(os.kill, worker_pid(server, 0), signal.SIGKILL)
                for client in broken.clients:
                    await client.closed.wait()
            before = await going_on.packets()
            await until(lambda: answers(server, theirs))
            async with call(server, theirs) as again:
                assert (await server.call("GET", f"/api/consultations/{theirs}"))["live"]
                await until(lambda: _more_than(again, 50))
                await again.clients[0].send({"type": "end"})
                await until(lambda: recorded(server, theirs))
            assert not any(client.closed.is_set() for client in going_on.clients)
            await until(lambda: _more_than(going_on, before + 100))
            await until(lambda: _has_heard(going_on))
            processes += family(server)
            assert await asyncio.to_thread(server.stop) == 0
        manifest = json.loads((server.recordings / ours / "manifest.json").read_text())
        assert len(manifest["files"]) == 5
        await gone(processes)
        assert not (data_dir / "run").exists()


@pytest.mark.timeout(240)
async def test_when_the_front_is_killed_workers_end_cleanly_and_a_start_without_workers_knows(tmp_path, data_dir):
    with running_server(tmp_path, data_dir, WORKERS="2", SPEECH_PROVIDER="scripted") as server:
        consultation = await in_worker(server, 1)
        workers = family(server)
        async with call(server, consultation) as running:
            await until(lambda: _more_than(running, 100))
            await asyncio.to_thread(server.kill)
            await gone(workers)
        assert (server.recordings / consultation / "manifest.json").is_file()
        assert (data_dir / "spool-1").is_dir()
    with running_server(tmp_path, data_dir, SPEECH_PROVIDER="scripted") as server:
        assert await recorded(server, consultation)


async def _more_than(call: Call, packets: int) -> bool:
    return await call.packets() > packets


async def _has_heard(call: Call) -> bool:
    return bool(call.said)
