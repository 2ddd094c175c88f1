"""A whole consultation from two files: join, play, end, gather."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from ..model.consultation import Language, Role
from ..model.errors import Unavailable
from ..model.events import Event, FinalTranscript, InterimTranscript, TipReady
from ..model.insight import Tip
from ..model.recording_events import RecordingFile, RecordingFinalized
from ..web.auth import TokenAuthority
from .client import ReplayClient
from .player import FileTrack
from .score import Heard, Turn, invented_words, latencies, word_error_rate

SETTLE_S = 4.0
FINALIZE_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Script:
    """What to replay. A mixed recording is a clinician's file alone."""

    files: dict[Role, Path]
    language: Language
    turns: list[Turn] = field(default_factory=list)
    recordings_dir: Path = Path("recordings")


@dataclass(slots=True)
class Gathered:
    """What the clinician's client saw."""

    heard: list[Heard] = field(default_factory=list)
    tips: list[Tip] = field(default_factory=list)
    files: list[RecordingFile] = field(default_factory=list)


async def replay(url: str, authority: TokenAuthority, script: Script, say: Callable[[str], None]) -> dict[str, Any]:
    """Play `script` through the server at `url`; return transcript, tips, recordings, word error rate, latencies.

    Raises:
        Unavailable: If the server does not answer.
    """
    service = authority.issue(identity="replay", name="Replay", role="service")
    headers = {"Authorization": f"Bearer {service}"}
    async with aiohttp.ClientSession(url, headers=headers) as api:
        created = await _json(api, "POST", "/api/consultations", {"title": "Replay", "language": script.language})
        consultation_id = str(created["id"])
        gathered = Gathered()
        async with AsyncExitStack() as stack:
            clients = await _join(stack, url, authority, consultation_id, script, gathered, say)
            zero_s = await _play(clients, script)
            await clients[Role.CLINICIAN].send({"type": "end"})
            await _until_over(clients[Role.CLINICIAN])
        return await _collect(api, consultation_id, script, gathered, zero_s)


async def _join(
    stack: AsyncExitStack,
    url: str,
    authority: TokenAuthority,
    consultation_id: str,
    script: Script,
    gathered: Gathered,
    say: Callable[[str], None],
) -> dict[Role, ReplayClient]:
    clients: dict[Role, ReplayClient] = {}

    def on_event(arrived_s: float, event: Event) -> None:
        _gather(gathered, clients[Role.CLINICIAN].room_s(arrived_s), event, say)

    for role in Role:
        token = authority.issue(
            identity=f"replay-{role.value}", name=role.value.title(), role=role.value, consultation_id=consultation_id
        )
        listen = on_event if role is Role.CLINICIAN else _ignore
        clients[role] = ReplayClient(url, token, FileTrack(script.files.get(role)), listen)
        await stack.enter_async_context(clients[role])
    return clients


async def _play(clients: dict[Role, ReplayClient], script: Script) -> dict[Role, float]:
    """Start both files together, wait for their ends; return each one's first sample in room time."""
    playing = [clients[role].track for role in script.files]
    for track in playing:
        track.play()
    for track in playing:
        await _unless_closed(clients, track.ended.wait())
    await _unless_closed(clients, asyncio.sleep(SETTLE_S))
    zero_s = {role: clients[role].room_s(clients[role].track.started_at_s) for role in script.files}
    return {role: zero_s.get(role, 0.0) for role in Role}


async def _until_over(client: ReplayClient) -> None:
    try:
        async with asyncio.timeout(FINALIZE_WITHIN_S):
            await client.closed.wait()
    except TimeoutError as error:
        raise Unavailable(f"The recordings were not finished within {FINALIZE_WITHIN_S:.0f} s.") from error


async def _unless_closed(clients: dict[Role, ReplayClient], work: Coroutine[Any, Any, object]) -> None:
    """Wait for `work`.

    Raises:
        Unavailable: If the server closes one of the sockets before it is done.
    """
    working = asyncio.ensure_future(work)
    closings = [asyncio.ensure_future(client.closed.wait()) for client in clients.values()]
    try:
        await asyncio.wait([working, *closings], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Unavailable("The server closed the consultation before the recordings had been played to their end.")
    finally:
        for task in (working, *closings):
            task.cancel()
        await asyncio.gather(working, *closings, return_exceptions=True)


def _gather(gathered: Gathered, came_s: float, event: Event, say: Callable[[str], None]) -> None:
    match event:
        case InterimTranscript():
            gathered.heard.append(Heard(came_s, event))
        case FinalTranscript(utterance=said):
            gathered.heard.append(Heard(came_s, event))
            say(f"{said.start_s:7.1f}  {said.role.value:9}  {said.text}")
        case TipReady(tip=tip):
            gathered.tips.append(tip)
            say(f"{came_s:7.1f}  {'RED FLAG' if tip.urgent else tip.kind.value:9}  {tip.text}")
        case RecordingFinalized(files=files):
            gathered.files.extend(files)


def _ignore(arrived_s: float, event: Event) -> None:
    """The patient's client only has to be there."""


async def _collect(
    api: aiohttp.ClientSession, consultation_id: str, script: Script, gathered: Gathered, zero_s: dict[Role, float]
) -> dict[str, Any]:
    transcript = await _json(api, "GET", f"/api/consultations/{consultation_id}/transcript?edition=live")
    said = [one.event.utterance for one in gathered.heard if isinstance(one.event, FinalTranscript)]
    result: dict[str, Any] = {
        "consultation": consultation_id,
        "transcript": transcript,
        "tips": [tip.model_dump(mode="json") for tip in gathered.tips],
        "recordings": [
            {**file.model_dump(mode="json"), "path": _path(script, consultation_id, file.name)}
            for file in gathered.files
        ],
        "latency": latencies(script.turns, gathered.heard, zero_s),
        "played_from_s": {role.value: round(zero_s[role], 3) for role in script.files},
    }
    if script.turns:
        result["word_error_rate"] = round(word_error_rate(script.turns, said, Role), 4)
        result["invented_words"] = invented_words(script.turns, said, zero_s)
    return result


def _path(script: Script, consultation_id: str, name: str) -> str:
    """Return where a recording lies: on this disk if the server's folder is here, else in its API."""
    path = script.recordings_dir / consultation_id / name
    return str(path.resolve()) if path.is_file() else f"/api/consultations/{consultation_id}/recordings/{name}"


async def _json(api: aiohttp.ClientSession, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    try:
        async with api.request(method, path, json=body) as response:
            content = await response.json()
            if response.status >= 400:
                raise Unavailable(f"{method} {path} was refused: {content['error']['message']}")
            return content
    except aiohttp.ClientError as error:
        raise Unavailable(f"No Escuta server answers: {error}.") from error


@asynccontextmanager
async def own_server(say: Callable[[str], None]) -> AsyncIterator[str]:
    """Start a server of our own on a free port; yield its address; stop it and wait for its papers.

    Raises:
        Unavailable: If it does not start; its own words say why.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "serve", "--port", "0", "--host", "127.0.0.1", "--no-demo", "--json",
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C is ours to pass on, once: a second one would end it without its recordings.
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None  # noqa: S101 - asked for with PIPE
        line = await process.stdout.readline()
        if not line:
            raise Unavailable("The server did not start; its reason stands above.")
        address = str(json.loads(line)["address"])
        say(f"Server of our own at {address}")
        yield address
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
