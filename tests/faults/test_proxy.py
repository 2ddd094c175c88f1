"""What goes through the proxy, both ways."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from .link import Conditions
from .proxy import FaultProxy


class Box(asyncio.DatagramProtocol):
    """A socket whose datagrams wait; `echo` sends each back."""

    def __init__(self, echo: bool = False) -> None:
        self.arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self.senders: set[object] = set()
        self._echo = echo

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data, addr) -> None:
        self.senders.add(addr)
        if self._echo:
            self.transport.sendto(data, addr)
        self.arrived.put_nowait(data)


@asynccontextmanager
async def box(**options):
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: Box(**options), local_addr=("127.0.0.1", 0))
    try:
        yield protocol
    finally:
        transport.close()
        await asyncio.sleep(0)


async def test_each_browser_gets_its_own_answers_through_one_port():
    async with FaultProxy() as proxy, box(echo=True) as server, box() as one, box() as other:
        port = await proxy.datagrams(server.transport.get_extra_info("sockname"))
        assert await proxy.datagrams(server.transport.get_extra_info("sockname")) == port
        one.transport.sendto(b"one", ("127.0.0.1", port))
        other.transport.sendto(b"other", ("127.0.0.1", port))
        assert (await one.arrived.get(), await other.arrived.get()) == (b"one", b"other")
        assert (proxy.up.counters.delivered, proxy.down.counters.delivered) == (2, 2)


async def test_after_a_rebinding_the_server_sees_another_address():
    async with FaultProxy() as proxy, box(echo=True) as server, box() as browser:
        port = await proxy.datagrams(server.transport.get_extra_info("sockname"))
        for data in (b"before", b"after"):
            browser.transport.sendto(data, ("127.0.0.1", port))
            assert await browser.arrived.get() == data
            proxy.rebind()
    assert len(server.senders) == 2


async def test_a_blackout_swallows_datagrams_and_holds_streams_until_it_ends():
    async def answer(reader, writer):
        writer.write((await reader.readexactly(2)).upper())
        await writer.drain()
        await reader.read()
        writer.close()
        await writer.wait_closed()

    async with FaultProxy() as proxy, box(echo=True) as server, box() as browser:
        port = await proxy.datagrams(server.transport.get_extra_info("sockname"))
        streams = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with streams:
            stream_port = await proxy.streams(streams.sockets[0].getsockname())
            reader, writer = await asyncio.open_connection("127.0.0.1", stream_port)
            proxy.set(Conditions(blackout=True))
            browser.transport.sendto(b"lost", ("127.0.0.1", port))
            writer.write(b"ab")
            held = asyncio.ensure_future(reader.readexactly(2))
            done, _ = await asyncio.wait({held}, timeout=0.1)
            assert not done
            proxy.set(Conditions())
            browser.transport.sendto(b"there", ("127.0.0.1", port))
            assert await browser.arrived.get() == b"there"
            assert await held == b"AB"
            writer.close()
            await writer.wait_closed()
    assert proxy.up.counters.lost == 1
