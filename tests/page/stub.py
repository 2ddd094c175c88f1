"""A small server for the page alone: the real files and policy, canned answers, and a call played from a list.

No media flows: `fake_media.js` stands in for RTCPeerConnection, so that every state can be shown quickly.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aiohttp import WSCloseCode, web
from aiohttp.test_utils import TestServer

from server.model.advice_events import QuestionAsked, TipReleased
from server.model.consultation import Agent, Role
from server.model.errors import Unauthorized
from server.model.events import EPHEMERAL, ConsentChanged, ConsultationEnded, Event
from server.model.insight import Audience
from server.web import messages as m
from server.web.auth import TokenAuthority, bearer_token
from server.web.keys import STATIC_DIR
from server.web.resources import AgentSettings
from server.web.static import DEFAULT_STATIC_DIR, serve_asset, serve_page
from tests.shelf import FakeShelf

from . import canned
from .reports import serve_reports

FAKE_MEDIA = Path(__file__).with_name("fake_media.js").read_text()
TOLD_WITHIN_S = 30.0
AUTHORITY = TokenAuthority("escuta", "a secret for the page's tests only, long", 3600)


@dataclass
class Stub:
    """What the server says, and what it was told."""

    events: Sequence[Event] = ()
    consent_mode: Literal["ask", "external"] = "ask"
    told_service: str | None = None
    voices_go_to: str | None = None
    peer_present: bool = True
    received: list[dict[str, Any]] = field(default_factory=list)
    joins: int = 0
    refuse_with: int | None = None
    recording: tuple[str, float] = ("ready", 1.0)
    has_mix: bool = True
    has_peaks: bool = True
    asked: list[str] = field(default_factory=list)
    consent_rests: bool = False
    deaf: bool = False
    shelf: FakeShelf = field(default_factory=FakeShelf)
    second_pass: list[str] = field(default_factory=lambda: ["none"])
    agents: dict[str, Any] = field(default_factory=canned.agents)
    address: str = ""
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    sequence: int = 0
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def link(self, role: str = "clinician", query: str = "") -> str:
        """Return a join link."""
        name = canned.NAMES[Role(role)]
        token = AUTHORITY.issue(identity=f"{role}-1", name=name, role=role, consultation_id=canned.ID)  # type: ignore[arg-type]
        return f"{self.address}/join{query}#{token}"

    async def say(self, *events: Event) -> None:
        """Tell every page that something happened."""
        for event in events:
            if not isinstance(event, EPHEMERAL):
                self.sequence += 1
            sequence = 0 if isinstance(event, EPHEMERAL) else self.sequence
            for socket in tuple(self.sockets):
                await socket.send_str(m.EventMessage(sequence=sequence, event=event).model_dump_json())

    async def refuse(self, code: str, message: str) -> None:
        """Tell every page that something it sent could not be used."""
        for socket in tuple(self.sockets):
            await socket.send_str(m.ErrorMessage(code=code, message=message).model_dump_json())

    async def hang_up(self, code: int = WSCloseCode.GOING_AWAY) -> None:
        """Close every socket, by default as a server that stops would."""
        for socket in tuple(self.sockets):
            await socket.close(code=code)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of one type received so far."""
        return [message for message in self.received if message["type"] == kind]

    async def told(self, kind: str, count: int) -> list[dict[str, Any]]:
        """Wait until `count` messages of one type have come and return them."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TOLD_WITHIN_S):
                while len(self.of_type(kind)) < count:
                    self.news.clear()
                    await self.news.wait()
        told = self.of_type(kind)
        heard = [message["type"] for message in self.received]
        assert len(told) >= count, f"{len(told)} of {count} {kind!r} came within {TOLD_WITHIN_S:.0f} s; all: {heard}"
        return told

    def _note(self, message: dict[str, Any]) -> None:
        self.received.append(message)
        self.news.set()

    async def serve_socket(self, request: web.Request) -> web.WebSocketResponse:
        """Answer `GET /ws`."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        join = json.loads(await socket.receive_str())
        self._note(join)
        if self.refuse_with is not None:
            await socket.close(code=self.refuse_with)
            return socket
        self.joins += 1
        role = Role(AUTHORITY.verify(join["token"]).role)
        await self._greet(socket, role, join)
        self.sockets.add(socket)
        try:
            async for message in socket:
                if self.deaf:
                    continue
                await self._answer(socket, role, json.loads(message.data))
        finally:
            self.sockets.discard(socket)
        return socket

    async def _greet(self, socket: web.WebSocketResponse, role: Role, join: dict[str, Any]) -> None:
        missed = list(self.events) if join["after"] == 0 else []
        self.sequence = max(self.sequence, len(missed))
        welcome = canned.welcome(role, join, self.consent_mode, self.sequence, with_peer=self.peer_present)
        welcome = welcome.model_copy(update={"voices_go_to": self.voices_go_to})
        await socket.send_str(welcome.model_dump_json())
        for number, event in enumerate(missed, start=1):
            sequence = 0 if isinstance(event, EPHEMERAL) else number
            await socket.send_str(m.EventMessage(sequence=sequence, event=event).model_dump_json())

    async def _answer(self, socket: web.WebSocketResponse, role: Role, message: dict[str, Any]) -> None:
        self._note(message)
        match message["type"]:
            case "offer":
                await socket.send_str(m.Answer(connection=message["connection"], sdp="fake").model_dump_json())
            case "ping":
                await socket.send_str(m.Pong(t=message["t"], room_s=canned.ROOM_S).model_dump_json())
            case "chat":
                await self.say(canned.chat(role, message["text"], message["message_id"]))
            case "consent":
                await self._consent(role, message["granted"])
            case "ask":
                await self._answer_question(message["question_id"], message["text"])
            case "release_tip":
                explanation = canned.explanation().tip.model_copy(update={"audience": Audience.PATIENT})
                await self.say(TipReleased(at_s=canned.ROOM_S + 1, tip=explanation))
            case "end":
                await self.say(ConsultationEnded(at_s=canned.ROOM_S, reason="ended_by_clinician", by=role))
            case "leave":
                await socket.close(code=m.CloseCode.LEFT)

    async def _answer_question(self, question_id: str, text: str) -> None:
        await self.say(QuestionAsked(at_s=canned.ROOM_S + 1, question_id=question_id, text=text))
        await self.may_answer.wait()
        await self.say(canned.answer(question_id, text))

    async def serve_peaks(self, _: web.Request) -> web.Response:
        """Answer `GET …/peaks.json`."""
        return web.json_response(canned.peaks()) if self.has_peaks else web.Response(status=404)

    async def allow_listening(self, request: web.Request) -> web.Response:
        """Answer `POST …/listening` as the server does."""
        assert request.headers["Authorization"].startswith("Bearer ")
        response = web.json_response({"expires_at": "2030-01-01T00:00:00Z"})
        response.set_cookie("escuta_listening", "leave", path=f"/api/consultations/{canned.ID}/recordings/")
        return response

    async def serve_recording(self, request: web.Request) -> web.Response:
        """Answer `GET …/recordings/{name}`, to a player with its cookie or a page with its token."""
        name = request.match_info["name"]
        self.asked.append(f"{name} {'token' if 'Authorization' in request.headers else 'cookie'}")
        if "Authorization" not in request.headers and "escuta_listening" not in request.cookies:
            return web.Response(status=401)
        content, headers = canned.sound(name), {"Accept-Ranges": "bytes"}
        part = request.http_range
        if part.start is None:
            return web.Response(body=content, headers=headers, content_type="audio/ogg")
        end = min(part.stop or len(content), len(content))
        headers["Content-Range"] = f"bytes {part.start}-{end - 1}/{len(content)}"
        return web.Response(status=206, body=content[part.start : end], headers=headers, content_type="audio/ogg")

    async def list_agents(self, request: web.Request) -> web.Response:
        """Answer `GET /api/agents`, to whoever has a service token."""
        try:
            assert AUTHORITY.verify(bearer_token(request.headers.get("Authorization"))).role == "service"
        except Unauthorized:
            return web.json_response({"error": {"code": "unauthorized", "message": "No."}}, status=401)
        return web.json_response({"agents": list(self.agents.values())})

    async def save_agent(self, request: web.Request) -> web.Response:
        """Answer `PUT /api/agents/{id}` as the server does."""
        if "Authorization" not in request.headers:
            return web.Response(status=401)
        wish = AgentSettings.model_validate(await request.json())
        if wish.sources:
            error = {"code": "conflict", "message": f"There is no context source {wish.sources[0]}."}
            return web.json_response({"error": error}, status=409)
        agent = Agent(id=request.match_info["agent_id"], **wish.model_dump()).model_dump(mode="json")
        self.agents[agent["id"]] = agent
        return web.json_response(agent)

    @staticmethod
    def service_token() -> str:
        """Return a token of whoever runs the server."""
        return AUTHORITY.issue(identity="owner", name="Owner", role="service")

    async def _consent(self, role: Role, granted: bool) -> None:
        if granted and self.consent_rests:
            self.consent_rests = False
            await self.refuse("too_frequent", "Consent was changed a moment ago.")
            return
        await self.say(ConsentChanged(at_s=canned.ROOM_S, role=role, granted=granted))


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Stub]:
    """Run a stub on a free port of the loopback interface."""
    stub = Stub(**options)
    app = web.Application()
    app[STATIC_DIR] = DEFAULT_STATIC_DIR
    app[canned.SECOND_PASS] = stub.second_pass
    one = f"/api/consultations/{canned.ID}"
    app.router.add_get("/", serve_page)
    app.router.add_get("/join", serve_page)
    app.router.add_get("/agents", serve_page)
    app.router.add_get("/api/agents", stub.list_agents)
    app.router.add_put("/api/agents/{agent_id}", stub.save_agent)
    app.router.add_get("/static/{path:.+}", serve_asset)
    app.router.add_get("/ws", stub.serve_socket)
    app.router.add_get(one, _answering(lambda: canned.detail(stub.consent_mode, stub.told_service)))
    app.router.add_get(f"{one}/transcript", canned.transcript)
    app.router.add_get(f"{one}/entities", canned.entities)
    app.router.add_get(f"{one}/tips", _answering(lambda: canned.stored(stub.events)["tips"]))
    app.router.add_get(f"{one}/chat", _answering(lambda: canned.stored(stub.events)["chat"]))
    app.router.add_get(f"{one}/recordings", _answering(lambda: canned.recordings(*stub.recording, mixed=stub.has_mix)))
    app.router.add_get(f"{one}/recordings/peaks.json", stub.serve_peaks)
    app.router.add_get(f"{one}/recordings/{{name}}", stub.serve_recording)
    app.router.add_post(f"{one}/listening", stub.allow_listening)
    desk = await serve_reports(app, stub.shelf, AUTHORITY)
    app.router.add_get("/favicon.ico", _answering(dict))
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    stub.address = f"http://localhost:{server.port}"
    try:
        async with desk:
            yield stub
    finally:
        await stub.hang_up()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await server.close()


def _answering(value: Callable[[], Any]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(value())

    return answer
