"""A bad network between a browser and the server: datagrams and streams, in user space, on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any

from .link import Conditions, Link

Address = tuple[str, int]


class _Endpoint(asyncio.DatagramProtocol):
    def __init__(self, on_datagram: Callable[[bytes, Address], None]) -> None:
        self._on_datagram = on_datagram

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._on_datagram(data, addr)


async def _endpoint(on_datagram: Callable[[bytes, Address], None]) -> asyncio.DatagramTransport:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Endpoint(on_datagram), local_addr=("127.0.0.1", 0))
    return transport


class FaultProxy:
    """One access network: all that goes through it shares `up` (from the browser) and `down` (to it).

    `conditions` can be set while it runs. Streams suffer delay and blackouts alone, as TCP hides the rest: after a
    blackout they go on where TCP would next repeat itself, a connection opened meanwhile where it would repeat its SYN.
    """

    def __init__(self, seed: int = 1) -> None:
        self.up, self.down = Link(seed), Link(seed + 1)
        self._seen: dict[Address, int] = {}
        self._backs: list[dict[Address, asyncio.DatagramTransport]] = []
        self._sockets: list[asyncio.DatagramTransport] = []
        self._servers: list[asyncio.Server] = []
        self._streams: set[asyncio.Task[None]] = set()
        self._blackout_s: float | None = None
        self._changed = asyncio.Event()

    async def __aenter__(self) -> FaultProxy:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        streams = list(self._streams)
        for task in streams:
            task.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        for socket in self._sockets:
            socket.abort()
        await asyncio.sleep(0)

    def set(self, up: Conditions, down: Conditions | None = None) -> None:
        """Change the network now; both directions alike unless told otherwise."""
        self.up.conditions, self.down.conditions = up, down or up
        dark = up.blackout or self.down.conditions.blackout
        if dark != (self._blackout_s is not None):
            self._blackout_s = asyncio.get_running_loop().time() if dark else None
            self._changed.set()
            self._changed = asyncio.Event()

    async def datagrams(self, target: Address) -> int:
        """Return the local UDP port behind which `target` lies."""
        if target not in self._seen:
            front: list[asyncio.DatagramTransport] = []
            backs: dict[Address, asyncio.DatagramTransport] = {}
            opening: set[Address] = set()
            self._backs.append(backs)

            async def open_back(browser: Address, first: bytes) -> None:
                back = await _endpoint(lambda data, _: self._pass(self.down, front[0], data, browser))
                self._sockets.append(back)
                backs[browser] = back
                opening.discard(browser)
                self._pass(self.up, back, first, target)

            def from_browser(data: bytes, browser: Address) -> None:
                if browser in backs:
                    self._pass(self.up, backs[browser], data, target)
                elif browser not in opening:
                    opening.add(browser)
                    self._spawn(open_back(browser, data))

            front.append(await _endpoint(from_browser))
            self._sockets.append(front[0])
            self._seen[target] = front[0].get_extra_info("sockname")[1]
        return self._seen[target]

    def rebind(self) -> None:
        """Be seen from other addresses from now on, as when a router restarts: answers to the old ones are lost."""
        for backs in self._backs:
            for back in backs.values():
                back.close()
            backs.clear()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)

    def _pass(self, link: Link, socket: asyncio.DatagramTransport, data: bytes, to: Address) -> None:
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        for arrival_s in link.arrivals(len(data), now_s):
            if arrival_s <= now_s:
                _send(socket, data, to)
            else:
                loop.call_at(arrival_s, _send, socket, data, to)

    async def streams(self, target: Address) -> int:
        """Return the local TCP port behind which `target` lies."""

        def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._spawn(self._carry(reader, writer, target))

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: Address) -> None:
        ends = [writer]
        try:
            await self._lit(first_retry_s=1.0)
            there_reader, there_writer = await asyncio.open_connection(*target)
            ends.append(there_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, there_writer, self.up))
                both.create_task(self._pump(there_reader, writer, self.down))
        except* OSError:
            pass
        finally:
            for one in ends:
                one.close()
                with suppress(OSError):
                    await one.wait_closed()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link) -> None:
        while data := await reader.read(65536):
            await self._lit(first_retry_s=0.2)
            await asyncio.sleep(link.conditions.delay_s)
            writer.write(data)
            await writer.drain()
        # A closed connection is not noticed through a blackout either.
        await self._lit(first_retry_s=0.2)
        writer.close()

    async def _lit(self, first_retry_s: float) -> None:
        """Wait until the network is there, and then for the sender's next attempt; attempts come ever less often."""
        if self._blackout_s is None:
            return
        loop = asyncio.get_running_loop()
        next_s, wait_s = loop.time(), first_retry_s
        while self._blackout_s is not None:
            await self._changed.wait()
        while next_s < loop.time():
            next_s += wait_s
            wait_s = min(2 * wait_s, 60.0)
        await asyncio.sleep(next_s - loop.time())


def _send(socket: asyncio.DatagramTransport, data: bytes, to: Address) -> None:
    if not socket.is_closing():
        socket.sendto(data, to)
