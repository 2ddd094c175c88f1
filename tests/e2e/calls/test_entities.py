"""What is named outlives the server, and goes to the clinician alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from server.model.consultation import Role
from server.model.events import EntitiesFound, Event, FinalTranscript
from server.replay.client import ReplayClient
from server.replay.player import FileTrack
from tests.e2e.running import FIXTURE, RunningServer, running_server, until

Seen = dict[Role, list[Event]]


@asynccontextmanager
async def call(server: RunningServer, consultation: str) -> AsyncIterator[Seen]:
    """Let both talk; yield what each is sent."""
    seen: Seen = {role: [] for role in Role}
    tracks = {role: FileTrack(FIXTURE / f"{role.value}.ogg") for role in Role}
    clients = [
        ReplayClient(
            server.address,
            server.token(role.value, consultation),
            tracks[role],
            lambda _, event, role=role: seen[role].append(event),
        )
        for role in Role
    ]
    async with clients[0], clients[1]:
        for track in tracks.values():
            track.play()
        yield seen


def of(seen: Seen, role: Role, kind: type[Event]) -> list[Event]:
    return [event for event in seen[role] if isinstance(event, kind)]


@pytest.mark.timeout(240)
async def test_what_was_named_survives_a_sigkill_and_never_reaches_the_patient(tmp_path: Path, data_dir: Path) -> None:
    with running_server(tmp_path, data_dir, SPEECH_PROVIDER="scripted") as server:
        consultation = await server.consultation("pt")
        async with call(server, consultation) as seen:

            async def found() -> bool:
                return bool(of(seen, Role.CLINICIAN, EntitiesFound) and of(seen, Role.PATIENT, FinalTranscript))

            await until(found)
            await asyncio.to_thread(server.kill)
        before = {one.id for event in of(seen, Role.CLINICIAN, EntitiesFound) for one in event.entities}  # type: ignore[union-attr]
        assert not of(seen, Role.PATIENT, EntitiesFound)
    with running_server(tmp_path, data_dir, SPEECH_PROVIDER="scripted") as server:
        async with call(server, consultation) as again:

            async def replayed() -> bool:
                return bool(of(again, Role.CLINICIAN, EntitiesFound) and of(again, Role.PATIENT, FinalTranscript))

            await until(replayed)
            assert before <= {
                one.id
                for event in of(again, Role.CLINICIAN, EntitiesFound)
                for one in event.entities  # type: ignore[union-attr]
            }
            assert not of(again, Role.PATIENT, EntitiesFound)
        path = f"/api/consultations/{consultation}/entities?edition=live"
        kept = {one["id"]: one for one in (await server.call("GET", path))["entities"]}
        assert before <= set(kept)
        headers = {"Authorization": f"Bearer {server.token('patient', consultation)}"}
        async with aiohttp.ClientSession(server.address, headers=headers) as session, session.get(path) as refused:
            assert refused.status == 403
