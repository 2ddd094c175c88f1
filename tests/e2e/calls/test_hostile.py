"""A call goes on while somebody sends the same server whatever comes to mind."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from server.model.consultation import Role
from server.model.events import FinalTranscript
from server.replay.client import ReplayClient
from server.replay.player import FileTrack
from tests.e2e.running import FIXTURE, until
from tests.media.test_offer import HOSTILE, mutated
from tests.signaling.test_signaling import hostile_messages

SEATS = 12
MESSAGES = 1000
OFFERS = 200


def _sendable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return '"leave"' not in text


async def _send_all(server, consultation: str, texts: list[str]) -> list[dict]:
    """Send `texts` in one seat, as fast as its rate allows; return what was said to it."""
    said: list[dict] = []
    async with aiohttp.ClientSession(server.address) as session, session.ws_connect("/ws") as socket:
        await socket.send_json({"type": "join", "v": 1, "token": server.token("patient", consultation)})

        async def listen() -> None:
            async for received in socket:
                if received.type is aiohttp.WSMsgType.TEXT:
                    said.append(json.loads(received.data))

        listening = asyncio.create_task(listen())
        for text in texts:
            await socket.send_str(text)
            await asyncio.sleep(0.02)
        await socket.send_json({"type": "leave"})
        await listening
    return said


@pytest.mark.timeout(180)
async def test_hostile_messages_and_offers_crash_nothing_and_disturb_no_call(server):
    call = await server.consultation("pt")
    heard: list[FinalTranscript] = []

    def on_event(_: float, event: object) -> None:
        if isinstance(event, FinalTranscript):
            heard.append(event)

    async def both_heard() -> bool:
        return {event.utterance.role for event in heard} == set(Role)

    clients = [
        ReplayClient(server.address, server.token(role.value, call), FileTrack(FIXTURE / f"{role.value}.ogg"), on_event)
        for role in Role
    ]
    texts = [text for text in hostile_messages(MESSAGES + 200, seed=3) if _sendable(text)][:MESSAGES]
    sdps = [*HOSTILE.values(), *(mutated(number) for number in range(OFFERS))][:OFFERS]
    offers = [
        json.dumps({"type": "offer", "connection": number + 1, "sdp": sdp})
        for number, sdp in enumerate(sdps)
        if sdp and len(sdp) <= 60_000
    ]
    async with clients[0], clients[1]:
        for client in clients:
            client.track.play()
        shares = [[*texts[seat::SEATS], *offers[seat::SEATS]] for seat in range(SEATS)]
        seats = [await server.consultation("en") for _ in range(SEATS)]
        answers = await asyncio.gather(*(map(_send_all, [server] * SEATS, seats, shares)))
        await until(both_heard)
        assert not any(client.closed.is_set() for client in clients)
        await clients[0].send({"type": "end"})
        await clients[0].closed.wait()
    said = [message for one in answers for message in one]
    assert not [message for message in said if message.get("code") == "internal"]
    assert len([message for message in said if message.get("code") == "invalid_message"]) > 300
    assert len([message for message in said if message.get("code") == "invalid_offer"]) > 50
    manifest = json.loads((server.recordings / call / "manifest.json").read_text())
    assert [person["lost"] for person in manifest["participants"]] == [0, 0]
    assert server.process.poll() is None
    for seat in seats:
        await server.call("POST", f"/api/consultations/{seat}/end")
