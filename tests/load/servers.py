"""Ways into the servers a load can be put on: how two participants meet there."""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import AsyncExitStack, suppress
from typing import Any, Protocol

import aiohttp

from server.front.affinity import owner
from server.model.consultation import Role
from server.web.auth import TokenAuthority

from .participant import Participant

WITHIN_S = 30.0


class Meeting(Protocol):
    """Brings two participants together; `call` tells which call, unique in the run."""

    async def __call__(self, call: int, one: Participant, other: Participant) -> None: ...


class Escuta:
    """Real consultations: made over the API, joined with tokens, negotiated on the socket."""

    def __init__(
        self, stack: AsyncExitStack, url: str, authority: TokenAuthority, workers: int, *, record: bool
    ) -> None:
        self._stack, self._url, self._authority, self._record = stack, url, authority, record
        self._workers = workers
        self._beats: list[asyncio.Task[None]] = []
        stack.push_async_callback(self._end_beats)

    async def __call__(self, call: int, one: Participant, other: Participant) -> None:
        consultation = await self._consultation(call)
        while owner(consultation, self._workers) != call % self._workers:
            consultation = await self._consultation(call)
        for participant, role in ((one, Role.CLINICIAN), (other, Role.PATIENT)):
            token = self._authority.issue(
                identity=f"load-{call}-{role.value}", name="Load", role=role.value, consultation_id=consultation
            )
            await self._join(participant, token)

    async def _consultation(self, call: int) -> str:
        service = self._authority.issue(identity="load", name="Load", role="service")
        async with (
            aiohttp.ClientSession(self._url, headers={"Authorization": f"Bearer {service}"}) as api,
            api.post("/api/consultations", json={"title": f"Load {call}", "language": "pt"}) as response,
        ):
            response.raise_for_status()
            return str((await response.json())["id"])

    async def _join(self, participant: Participant, token: str) -> None:
        session = await self._stack.enter_async_context(aiohttp.ClientSession())
        socket = await self._stack.enter_async_context(session.ws_connect(f"{self._url}/ws", max_msg_size=0))
        # Whoever may end the consultation does; of the other it is ignored.
        self._stack.push_async_callback(socket.send_json, {"type": "end"})
        await socket.send_json({"type": "join", "v": 1, "token": token, "consent": self._record})
        welcome = await _message(socket, "welcome")
        await socket.send_json({"type": "media", "microphone": True, "camera": True})
        await socket.send_json({"type": "offer", "connection": 1, "sdp": await participant.offer()})
        await participant.take((await _message(socket, "answer"))["sdp"])
        self._beats += [
            asyncio.create_task(_beat(socket, welcome["heartbeat_s"] / 2)),
            asyncio.create_task(_read_on(socket)),
        ]

    async def _end_beats(self) -> None:
        for task in self._beats:
            task.cancel()
        await asyncio.gather(*self._beats, return_exceptions=True)


async def _message(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(WITHIN_S):
        async for received in socket:
            message = json.loads(received.data)
            if message["type"] == kind:
                return message
            if message["type"] == "error":
                raise ConnectionError(message["message"])
    raise ConnectionError(f"The server closed the socket ({socket.close_code}) before its {kind}.")


async def _beat(socket: aiohttp.ClientWebSocketResponse, every_s: float) -> None:
    with suppress(ConnectionError):
        while True:
            await asyncio.sleep(every_s)
            await socket.send_json({"type": "ping", "t": 0})


async def _read_on(socket: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in socket:
        pass


class Direct:
    """No server: the generator's own floor."""

    async def __call__(self, call: int, one: Participant, other: Participant) -> None:
        await one.take(await other.take(await one.offer(), "offer"))


class Posted:
    """A server that answers `POST /offer?room=ID` with an SDP answer."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __call__(self, call: int, one: Participant, other: Participant) -> None:
        async with aiohttp.ClientSession() as http:
            for participant in (one, other):
                offer = {"type": "offer", "sdp": await participant.offer()}
                async with http.post(f"{self._url}/offer", params={"room": str(call)}, json=offer) as response:
                    response.raise_for_status()
                    await participant.take((await response.json())["sdp"])


class Janus:
    """Janus with its `videocall` plugin, over its WebSocket."""

    def __init__(self, stack: AsyncExitStack, url: str, record_folder: str | None) -> None:
        self._stack, self._url, self._record_folder = stack, url, record_folder

    async def __call__(self, call: int, one: Participant, other: Participant) -> None:
        handles = [await JanusHandle.open(self._stack, self._url, f"{name}{call}") for name in "ab"]
        await handles[0].say({"request": "call", "username": handles[1].name}, "offer", await one.offer())
        incoming = await handles[1].event("incomingcall")
        await handles[1].say({"request": "accept"}, "answer", await other.take(incoming["sdp"], "offer"))
        await one.take((await handles[0].event("accepted"))["sdp"])
        for handle in handles:
            await handle.ask(janus="trickle", candidate={"completed": True})
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(one.connected.wait(), other.connected.wait())
        if self._record_folder is not None:
            for handle in handles:
                await handle.say({"request": "set", "record": True, "filename": f"{self._record_folder}/{handle.name}"})


class JanusHandle:
    """One session with one plugin handle."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, name: str) -> None:
        self.name = name
        self._socket = socket
        self._ids: dict[str, int] = {}
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @classmethod
    async def open(cls, stack: AsyncExitStack, url: str, name: str) -> JanusHandle:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        socket = await stack.enter_async_context(session.ws_connect(url, protocols=("janus-protocol",)))
        handle = cls(socket, name)
        for task in (handle._read(), handle._keep_alive()):
            stack.callback(asyncio.create_task(task).cancel)
        handle._ids["session_id"] = (await handle.ask(janus="create"))["data"]["id"]
        plugin = await handle.ask(janus="attach", plugin="janus.plugin.videocall")
        handle._ids["handle_id"] = plugin["data"]["id"]
        await handle.say({"request": "register", "username": name})
        await handle.event("registered")
        return handle

    async def ask(self, **message: Any) -> dict[str, Any]:
        transaction = secrets.token_hex(8)
        answer = self._answers[transaction] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({**self._ids, "transaction": transaction, **message})
        async with asyncio.timeout(WITHIN_S):
            return await answer

    async def say(self, body: dict[str, Any], kind: str = "", sdp: str = "") -> None:
        await self.ask(janus="message", body=body, **({"jsep": {"type": kind, "sdp": sdp}} if sdp else {}))

    async def event(self, name: str) -> dict[str, Any]:
        """Wait for a plugin's event; its SDP comes as `sdp`."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                message = await self._events.get()
                content = message["plugindata"]["data"]
                if "error" in content:
                    raise ConnectionError(f"Janus: {content['error']}")
                if content.get("result", {}).get("event") == name:
                    return {"sdp": message.get("jsep", {}).get("sdp", "")}

    async def _read(self) -> None:
        async for received in self._socket:
            message = json.loads(received.data)
            if message["janus"] == "event":
                # May come before the acknowledgement of what caused it, with the same transaction.
                self._events.put_nowait(message)
                continue
            answer = self._answers.pop(message.get("transaction", ""), None)
            if answer is not None and not answer.done():
                if message["janus"] == "error":
                    answer.set_exception(ConnectionError(f"Janus: {message['error']}"))
                else:
                    answer.set_result(message)

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(25)
            await self.ask(janus="keepalive")
