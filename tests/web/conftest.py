"""A real aiohttp server on loopback with fakes behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from server.insight.drafting.notebook import Notebook
from server.rooms.reports import Reports
from server.settings import Settings
from server.web.application import WebContext, setup_web
from server.web.auth import TokenAuthority, TokenRole
from server.web.limits import Limits, RateLimit

from .fakes import CONSULTATION, RECORDED_BYTES, FakeRooms, FakeStore, filled_store

SECRET = "a secret of the tests, long enough to sign"
KEY = "tests"


@dataclass
class House:
    """The server under test and how to reach it."""

    client: TestClient[web.Request, web.Application]
    store: FakeStore
    rooms: FakeRooms
    authority: TokenAuthority
    context: WebContext

    def token(self, role: TokenRole = "service", consultation_id: str | None = CONSULTATION, **claims: Any) -> str:
        about = None if role == "service" else consultation_id
        return self.authority.issue(identity=f"{role}-1", name="Somebody", role=role, consultation_id=about, **claims)

    async def call(self, method: str, path: str, role: TokenRole | None = "service", **more: Any) -> ClientResponse:
        headers = dict(more.pop("headers", {}))
        if role is not None:
            headers.setdefault("Authorization", f"Bearer {self.token(role)}")
        return await self.client.request(method, path, headers=headers, **more)


@pytest.fixture
def recordings_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings" / CONSULTATION
    folder.mkdir(parents=True)
    for name in ("clinician.ogg", "clinician.wav", "patient.ogg", "patient.wav"):
        (folder / name).write_bytes(RECORDED_BYTES)
    (folder / "journal.bin").write_bytes(b"not for download")
    return tmp_path / "recordings"


@pytest.fixture
def static_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "js").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Escuta</title>")
    (folder / "js" / "app.js").write_text("export {};")
    (folder / "js" / "worker.mjs").write_text("export {};")
    (folder / "style.css").write_text("body {}")
    (folder / "page.py").write_text("secret = 1")
    (folder / ".hidden.js").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    (folder / "link.js").symlink_to(tmp_path / "outside.js")
    return folder


@pytest.fixture
def settings(tmp_path: Path, recordings_dir: Path) -> Settings:
    return Settings(
        _env_file=None, data_dir=tmp_path / "data", recordings_dir=recordings_dir, public_url="https://escuta.example"
    )


@pytest.fixture
def context(settings: Settings, static_dir: Path, recordings_dir: Path) -> WebContext:
    store = filled_store()
    return WebContext(
        settings=settings,
        store=store,
        rooms=FakeRooms(store, live=[CONSULTATION]),
        reports=Reports(store, lambda _: Notebook(), recordings_dir),
        authority=TokenAuthority(KEY, SECRET, 3600),
        socket=fake_socket,
        static_dir=static_dir,
        limits=Limits(
            participants=RateLimit(1e6, 1_000_000),
            service=RateLimit(1e6, 1_000_000),
            failures=RateLimit(1e6, 1_000_000),
        ),
    )


@pytest.fixture
async def house(context: WebContext) -> AsyncIterator[House]:
    app = web.Application()
    setup_web(app, context)
    async with TestClient(TestServer(app)) as client:
        assert isinstance(context.store, FakeStore)
        assert isinstance(context.rooms, FakeRooms)
        yield House(client, context.store, context.rooms, context.authority, context)


async def fake_socket(request: web.Request) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("hello")
    await socket.close()
    return socket
