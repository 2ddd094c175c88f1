"""The real socket over a real HTTP server, with faked peers, speech and storage behind it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

from server.rooms.registry import Registry
from server.web.auth import TokenAuthority
from server.web.signaling import Signaling
from tests.rooms.fakes import House

SECRET = "an API secret for tests alone, 32+"


class Browser:
    """One end of a socket."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []

    async def send(self, **message: Any) -> None:
        await self.socket.send_json(message)

    async def raw(self, text: str) -> None:
        await self.socket.send_str(text)

    async def next(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Return the next message of a kind (for events: with that event type), reading past others."""
        while True:
            received = await self.socket.receive(timeout=10)
            if received.type is not WSMsgType.TEXT:
                raise AssertionError(f"closed with {self.socket.close_code} before {kind} {fields}; saw {self.seen}")
            message = json.loads(received.data)
            self.seen.append(message)
            inner = message.get("event", message)
            if message["type"] == kind and all(inner.get(name) == value for name, value in fields.items()):
                return message

    async def close_code(self) -> int | None:
        """Read to the end; return the close code."""
        while True:
            received = await self.socket.receive(timeout=10)
            if received.type is not WSMsgType.TEXT:
                return self.socket.close_code
            self.seen.append(json.loads(received.data))


@dataclass
class Desk:
    """The signaling server and keys to it."""

    house: House
    registry: Registry
    signaling: Signaling
    client: TestClient[web.Request, web.Application]
    authority: TokenAuthority

    def token(self, role: str = "patient", consultation_id: str | None = "consultation-1", **changes: Any) -> str:
        return self.authority.issue(
            identity=changes.pop("identity", f"{role}-1"),
            name=role.title(),
            role=role,  # type: ignore[arg-type]
            consultation_id=consultation_id,
            **changes,
        )

    async def open(self, **options: Any) -> Browser:
        return Browser(await self.client.ws_connect("/ws", **options))

    async def join(self, role: str = "patient", *, consent: bool = True, after: int = 0, **token: Any) -> Browser:
        browser = await self.open()
        await browser.send(type="join", v=1, token=self.token(role, **token), consent=consent, after=after)
        await browser.next("welcome")
        return browser


@asynccontextmanager
async def open_desk(house: House) -> AsyncIterator[Desk]:
    authority = TokenAuthority("escuta", SECRET, 3600)
    async with Registry(house.services()) as registry:
        signaling = Signaling(registry, authority, house.settings)
        application = web.Application()
        application.router.add_get("/ws", signaling.handle)
        async with TestClient(TestServer(application)) as client:
            yield Desk(house, registry, signaling, client, authority)


@pytest.fixture
async def desk(tmp_path) -> AsyncIterator[Desk]:
    async with open_desk(House(tmp_path)) as desk:
        yield desk
