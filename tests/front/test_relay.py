"""A browser's socket through the front: every message, every close code, and never more than the buffers hold."""

import asyncio
import json
from socket import create_connection
from socket import socket as Socket
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMessage, WSMsgType, web

from server.front import relay as relay_module
from server.web.closing import SOCKET_LIMIT_BYTES

from .conftest import FakeWorker, Stand, consultation_of, join_message


class Seen:
    """What the workers' ends of the sockets saw."""

    def __init__(self) -> None:
        self.sockets: list[tuple[int, web.WebSocketResponse]] = []
        self.messages: list[Any] = []
        self.closed = asyncio.Event()
        self.requests: list[web.Request] = []


@pytest.fixture
async def seen(stand: Stand) -> Seen:
    seen = Seen()

    async def echo(request: web.Request, worker: FakeWorker) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        seen.requests.append(request)
        flooding = None
        seen.sockets.append((worker.number, socket))
        async for message in socket:
            seen.messages.append(message.data)
            if message.data == "close me":
                await socket.close(code=4005, message=b"consultation over")
            elif message.data == "die":
                assert request.transport is not None
                request.transport.abort()
            elif message.data == "flood":
                flooding = asyncio.create_task(flood(socket, seen))
            else:
                await (socket.send_str if message.type is WSMsgType.TEXT else socket.send_bytes)(message.data)
        if flooding is not None:
            flooding.cancel()
            await asyncio.gather(flooding, return_exceptions=True)
        seen.closed.set()
        return socket

    stand.route("GET", "/ws", echo)
    await stand.start()
    return seen


async def flood(socket: web.WebSocketResponse, seen: Seen) -> None:
    seen.messages.clear()
    while len(seen.messages) < 1000:
        await socket.send_str("x" * 50_000)
        seen.messages.append("sent")


async def joined(stand: Stand, worker: int = 0, **options: Any) -> aiohttp.ClientWebSocketResponse:
    socket = await stand.client.ws_connect("/ws", max_msg_size=0, **options)
    message = json.dumps(join_message(consultation_of(worker)))
    await socket.send_str(message)
    assert await socket.receive_str() == message
    return socket


async def test_a_socket_goes_to_the_worker_its_token_names(stand: Stand, seen: Seen) -> None:
    sockets = [await joined(stand, number) for number in (1, 0, 1)]
    assert [number for number, _ in seen.sockets] == [1, 0, 1]
    for socket in sockets:
        await socket.close()


@pytest.mark.parametrize("first", ["nonsense", "{}", b"\x00\xff", json.dumps(join_message(None, "service"))])
async def test_any_other_first_message_goes_to_some_worker_as_it_is(
    stand: Stand, seen: Seen, first: str | bytes
) -> None:
    socket = await stand.client.ws_connect("/ws")
    await (socket.send_str(first) if isinstance(first, str) else socket.send_bytes(first))
    assert (await socket.receive()).data == first
    await socket.close()


async def test_messages_of_any_size_pass_both_ways_in_order(stand: Stand, seen: Seen) -> None:
    socket = await joined(stand)
    sent = ["a", "ç" * 30_000, "x" * (SOCKET_LIMIT_BYTES - 10), "", "z"]
    for text in sent:
        await socket.send_str(text)
    assert [await socket.receive_str() for _ in sent] == sent
    await socket.close()


async def test_a_frame_above_the_limit_closes_the_socket_as_a_single_server_does(stand: Stand, seen: Seen) -> None:
    socket = await joined(stand)
    await socket.send_str("x" * (SOCKET_LIMIT_BYTES + 1))
    assert (await socket.receive()).data == 1009
    await asyncio.wait_for(seen.closed.wait(), 10)
    await socket.close()


async def test_the_workers_close_code_and_reason_reach_the_browser(stand: Stand, seen: Seen) -> None:
    socket = await joined(stand)
    await socket.send_str("close me")
    message = await socket.receive()
    assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4005, "consultation over")


async def test_the_browsers_close_code_reaches_the_worker(stand: Stand, seen: Seen) -> None:
    socket = await joined(stand)
    await socket.close(code=1001)
    await asyncio.wait_for(seen.closed.wait(), 10)
    assert seen.sockets[0][1].close_code == 1001


async def test_a_browser_that_vanishes_leaves_its_worker(stand: Stand, seen: Seen) -> None:
    socket = await joined(stand)
    assert socket._response.connection is not None
    socket._response.connection.transport.abort()
    await asyncio.wait_for(seen.closed.wait(), 10)


class End:
    """One side of a relay: what it says comes bit by bit, what it is told is kept."""

    def __init__(self, *says: WSMessage, takes: bool = True) -> None:
        self.told: list[str] = []
        self.closed_with: int | None = None
        self._says = list(says)
        self._takes = takes

    async def receive(self) -> WSMessage:
        await asyncio.sleep(0.01)
        if not self._says:
            await asyncio.Event().wait()
        return self._says.pop(0)

    async def send_str(self, text: str) -> None:
        if not self._takes:
            raise ConnectionResetError
        self.told.append(text)

    async def close(self, *, code: int = 1000) -> None:
        self.closed_with = code


def text(data: str) -> WSMessage:
    return WSMessage(WSMsgType.TEXT, data, None)


GONE = WSMessage(WSMsgType.CLOSED, None, None)


async def relayed(browser: End, worker: End) -> int:
    return (await relay_module._join(browser, worker, text("join")))[0]  # type: ignore[arg-type]


async def test_what_a_browser_said_last_arrives_although_it_takes_nothing_more() -> None:
    browser = End(text("a"), text("b"), text("leave"), GONE, takes=False)
    worker = End(text("an event"))
    await relayed(browser, worker)
    assert worker.told == ["join", "a", "b", "leave"]
    assert worker.closed_with == 1001


async def test_what_a_worker_said_last_arrives_although_it_takes_nothing_more() -> None:
    worker = End(text("too much"), WSMessage(WSMsgType.CLOSE, 4009, "too frequent"))
    worker.send_str = _takes_only_the_first(worker)  # type: ignore[method-assign]
    browser = End(text("a"), text("b"), text("c"))
    assert await relayed(browser, worker) == 4009
    assert browser.told == ["too much"]


def _takes_only_the_first(worker: End) -> Any:
    async def send_str(text: str) -> None:
        if worker.told:
            raise ConnectionResetError
        worker.told.append(text)

    return send_str


async def test_a_worker_that_dies_makes_the_page_come_back(stand: Stand, seen: Seen) -> None:
    socket = await joined(stand)
    await socket.send_str("die")
    message = await socket.receive()
    assert (message.type, message.data) == (WSMsgType.CLOSE, 4007)


async def test_a_worker_that_is_away_is_told_and_makes_the_page_come_back(stand: Stand, seen: Seen) -> None:
    stand.each[0].up = False
    socket = await stand.client.ws_connect("/ws")
    await socket.send_json(join_message(consultation_of(0)))
    assert (await socket.receive_json())["code"] == "unavailable"
    assert (await socket.receive()).data == 4007


async def test_a_socket_without_a_first_message_is_closed_as_a_single_server_does(
    stand: Stand, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "JOIN_WITHIN_S", 0.05)
    socket = await stand.client.ws_connect("/ws")
    assert (await socket.receive_json())["code"] == "invalid_message"
    assert (await socket.receive()).data == 4000


async def test_a_page_of_another_origin_is_refused_before_any_worker_hears_of_it(stand: Stand, seen: Seen) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await stand.client.ws_connect("/ws", origin="https://elsewhere.example")
    assert refused.value.status == 403
    assert not seen.sockets


async def test_the_worker_can_check_origin_and_address_itself(stand: Stand, seen: Seen) -> None:
    origin = f"http://127.0.0.1:{stand.port}"
    socket = await joined(stand, origin=origin)
    [request] = seen.requests
    assert (request.headers["Origin"], request.remote) == (origin, "127.0.0.1")
    assert f"{request.scheme}://{request.host}" == origin
    await socket.close()


async def test_a_browser_that_reads_nothing_stops_its_worker_and_is_given_up(
    stand: Stand, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "STALLED_S", 0.5)
    with create_connection(("127.0.0.1", stand.port)) as browser:
        browser.setblocking(False)
        await send_all(browser, HANDSHAKE + frame(json.dumps(join_message(consultation_of(0)))) + frame("flood"))
        await asyncio.wait_for(seen.closed.wait(), 20)
    # 50 kB each: what waits are the kernel's buffers and ours, not a thousand messages.
    assert len(seen.messages) < 500


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


def frame(text: str) -> bytes:
    """Return a text frame as a browser sends it, masked with zeros."""
    payload = text.encode()
    size = bytes((0x80 | len(payload),)) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + size + bytes(4) + payload


async def send_all(browser: Socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(browser, data)
