"""One speech process for several servers: each has its own channels, and outlives the process and the others."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from server.settings import Settings
from server.speech.port import Final, SpeechEvent, StreamOptions
from server.speech.service import SpeechService
from server.speech.ways import OwnProcess, SharedProcess
from tests.speech.test_service import until, utterance


@dataclass
class House:
    """Who keeps the process, and where it is reached."""

    keeper: SpeechService
    path: Path
    settings: Settings

    def server(self) -> SpeechService:
        return SpeechService(self.settings, SharedProcess(self.path))


@pytest.fixture(params=["scripted"])
async def house(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[House]:
    settings = Settings(data_dir=tmp_path, speech_provider=request.param, _env_file=None)
    with socket.socket(socket.AF_UNIX) as listening:
        path = tmp_path / "speech"
        listening.bind(str(path))
        listening.listen()
        keeper = SpeechService(settings, OwnProcess(settings, listening.fileno()))
        await keeper.start()
        yield House(keeper, path, settings)
        await keeper.aclose()


def texts(events: list[SpeechEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Final)]


async def hear(service: SpeechService, seconds: float) -> list[str]:
    events: list[SpeechEvent] = []
    channel = service.open(StreamOptions(), events.append)
    for packet in utterance(seconds):
        channel.push_packet(packet)
    await channel.close(timeout_s=60)
    return texts(events)


async def test_two_servers_are_heard_by_one_process_and_apart(house: House) -> None:
    servers = [house.server(), house.server()]
    for server in servers:
        await server.start()  # before the process listens
    heard = await asyncio.gather(*(hear(server, seconds) for server, seconds in zip(servers, (0.6, 1.5), strict=True)))
    assert heard == [["estou com"], ["estou com dor no peito"]]
    assert [server.process_id for server in servers] == [None, None]
    for server in servers:
        await server.aclose()


async def test_a_killed_process_is_replaced_for_everybody_and_nothing_said_is_lost(house: House) -> None:
    servers = [house.server(), house.server()]
    events: tuple[list[SpeechEvent], list[SpeechEvent]] = ([], [])
    channels = []
    for server, seen in zip(servers, events, strict=True):
        await server.start()
        channels.append(server.open(StreamOptions(), seen.append))
        for packet in utterance(0.9)[:30]:
            channels[-1].push_packet(packet)
    await until(lambda: all(server.state.state == "ok" for server in servers))
    first = house.keeper.process_id
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await until(lambda: all(server.restarts == 1 for server in servers))
    for channel in channels:
        for packet in utterance(0.9)[30:]:
            channel.push_packet(packet)
    await asyncio.gather(*(channel.close(60) for channel in channels))
    assert [[text for text in texts(seen) if text] for seen in events] == [["estou com dor"], ["estou com dor"]]
    for server in servers:
        await server.aclose()


async def test_one_server_that_leaves_or_talks_nonsense_harms_nobody(house: House) -> None:
    leaving, staying = house.server(), house.server()
    for server in (leaving, staying):
        await server.start()
    leaving.open(StreamOptions(), lambda _: None).push_packet(utterance(0.6)[0])
    await until(lambda: leaving.state.state == "ok")
    reader, writer = await asyncio.open_unix_connection(house.path)
    writer.write(b"\xff" * 64)
    assert await _ends(reader)
    writer.close()
    await leaving.aclose()
    assert await hear(staying, 0.6) == ["estou com"]
    await staying.aclose()


async def _ends(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(30):
        while await reader.read(1000):
            continue
    return True


@pytest.mark.parametrize("house", ["telepathy"], indirect=True)
async def test_every_server_hears_why_the_model_cannot_be_loaded(house: House) -> None:
    server = house.server()
    await server.start()
    await until(lambda: server.state.state == "failing")
    assert "telepathy" in server.state.detail
    await server.aclose()
