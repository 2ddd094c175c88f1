"""One browser's socket, passed on to the worker in which its consultation lives.

Nothing is kept here but what waits in the buffers of the two sockets: a browser that reads slowly stops the reading
from its worker, whose own outbox then decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import aiohttp
import structlog
from aiohttp import WSMessage, WSMsgType, web

from ..model.errors import EscutaError, InvalidMessage, Unavailable
from ..settings import Settings
from ..web.closing import CLOSE_WITHIN_S, JOIN_WITHIN_S, SOCKET_LIMIT_BYTES, close_code, error_message
from ..web.messages import CloseCode
from ..web.origins import check_origin
from .carried import onward
from .first_message import consultation_in
from .pass_on import address
from .workers import Workers

log = structlog.get_logger()

STALLED_S = 60.0
"""A side that takes nothing for so long is gone."""
LAST_WORDS_S = 2.0
GOING_AWAY, NO_CODE, GONE = 1001, 1005, 1006
_NEVER_SENT = frozenset({NO_CODE, GONE, 1015})

Closing = tuple[int, bytes]
Receive = Callable[[], Awaitable[WSMessage]]
Send = Callable[[str | bytes], Awaitable[None]]


class Relay:
    """Serves `GET /ws` at the front."""

    def __init__(self, workers: Workers, settings: Settings) -> None:
        self.open_sockets = 0
        self._workers = workers
        self._settings = settings

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one browser until its socket or its worker's closes.

        Raises:
            Forbidden: If a page of another origin opens the socket.
        """
        check_origin(request, self._settings)
        browser = web.WebSocketResponse(max_msg_size=SOCKET_LIMIT_BYTES, compress=False, timeout=CLOSE_WITHIN_S)
        await browser.prepare(request)
        self.open_sockets += 1
        try:
            code, reason = await self._serve(request, browser)
        except EscutaError as error:
            with suppress(ConnectionError):
                await browser.send_str(error_message(error).model_dump_json())
            code, reason = close_code(error), error.code.encode()
        finally:
            self.open_sockets -= 1
        if code == GONE and request.transport is not None:
            request.transport.abort()  # who takes nothing would not take the closing frame either
        else:
            await browser.close(code=code, message=reason)
        return browser

    async def _serve(self, request: web.Request, browser: web.WebSocketResponse) -> Closing:
        try:
            async with asyncio.timeout(JOIN_WITHIN_S):
                first = await browser.receive()
        except TimeoutError as error:
            raise InvalidMessage(f"No join message came within {JOIN_WITHIN_S:.0f} s.") from error
        if first.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return CloseCode.LEFT, b""
        named = consultation_in(first.data) if first.type is WSMsgType.TEXT else None
        worker = self._workers.any(request.remote or "") if named is None else self._workers.owner(named)
        session = await worker.session()
        headers = onward(request)
        for name in [name for name in headers if name.lower().startswith("sec-websocket-")]:
            headers.popall(name, None)
        timeout = aiohttp.ClientWSTimeout(ws_close=CLOSE_WITHIN_S)
        try:
            async with session.ws_connect(address(request), headers=headers, max_msg_size=0, timeout=timeout) as socket:
                return await _join(browser, socket, first)
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Unavailable("This part of the server went away; try again in a moment.") from error


async def _join(browser: web.WebSocketResponse, worker: aiohttp.ClientWebSocketResponse, first: WSMessage) -> Closing:
    """Pass messages both ways until one side is gone; return how the browser's socket is to be closed."""
    await _sender(worker)(first.data)
    up = asyncio.ensure_future(_pump(browser.receive, _sender(worker)))
    down = asyncio.ensure_future(_pump(worker.receive, _sender(browser)))
    try:
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        if _failed(up) or _failed(down):
            # A side that takes nothing more may have said why before, or that it leaves.
            await asyncio.wait((up, down), timeout=LAST_WORDS_S)
    finally:
        for pump in (up, down):
            pump.cancel()
        ended = await asyncio.gather(up, down, return_exceptions=True)
    by_browser, by_worker = (None if isinstance(end, BaseException) else end for end in ended)
    if by_worker is not None or not (by_browser or _failed(down)):
        await worker.close()
        return by_worker if by_worker and by_worker[0] not in _NEVER_SENT else (CloseCode.UNAVAILABLE, b"worker lost")
    code = by_browser[0] if by_browser else GONE
    await worker.close(code=GOING_AWAY if code in _NEVER_SENT else code)
    return GONE if by_browser is None else CloseCode.LEFT, b""


def _failed(pump: asyncio.Future[Closing | None]) -> bool:
    """Whether it ended because what it received could not be sent on."""
    return pump.done() and not pump.cancelled() and pump.exception() is None and pump.result() is None


async def _pump(receive: Receive, send: Send) -> Closing | None:
    """Pass messages on until the sender closes; return its code (`GONE` if it broke off), None if nobody takes them."""
    while True:
        message = await receive()
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            try:
                await send(message.data)
            except (ConnectionError, TimeoutError, aiohttp.ClientError):
                return None
        elif message.type is WSMsgType.CLOSE:
            return message.data or NO_CODE, (message.extra or "").encode()
        else:
            return GONE, b""


def _sender(socket: web.WebSocketResponse | aiohttp.ClientWebSocketResponse) -> Send:
    async def send(data: str | bytes) -> None:
        async with asyncio.timeout(STALLED_S):
            await (socket.send_str(data) if isinstance(data, str) else socket.send_bytes(data))

    return send
