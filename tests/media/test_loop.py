"""The loop that reads media sockets while it waits."""

from __future__ import annotations

import asyncio
import socket
import threading

from server.media import loop as media_loop


class Sockets:
    """Two connected UDP sockets, and what was read from the first inside `select`."""

    def __init__(self, *, quiet: bool = True, fail: bool = False) -> None:
        self.one, self.other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for sock in (self.one, self.other):
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        self.other.connect(self.one.getsockname())
        self.read: list[bytes] = []
        self.on_read = lambda: None
        self._quiet, self._fail = quiet, fail

    def reader(self) -> bool:
        self.read.append(self.one.recv(100))
        self.on_read()
        if self._fail:
            raise ValueError("broken")
        return self._quiet

    def close(self) -> None:
        self.one.close()
        self.other.close()


def run(main) -> object:
    with asyncio.Runner(loop_factory=media_loop.new_event_loop) as runner:
        return runner.run(main)


def test_media_is_read_and_everything_else_goes_on():
    async def main() -> None:
        loop, sockets, heard = asyncio.get_running_loop(), Sockets(), asyncio.Event()
        media_loop.watch(loop, sockets.one.fileno(), sockets.reader)
        sockets.other.send(b"1")
        sockets.on_read = heard.set
        async with asyncio.timeout(10):
            # The reader says that nothing waits, and something does: a timer ends the wait.
            asyncio.get_running_loop().call_later(0.05, heard.is_set)
            await heard.wait()
            assert await asyncio.to_thread(lambda: 5) == 5
            reader, writer = await asyncio.open_connection(sock=_pair()[0])
            writer.close()
            await writer.wait_closed()
            del reader
        media_loop.forget(loop, sockets.one.fileno())
        sockets.other.send(b"2")
        await asyncio.sleep(0.01)
        assert sockets.read == [b"1"]
        sockets.close()

    def _pair() -> tuple[socket.socket, socket.socket]:
        pairs.append(socket.socketpair())
        return pairs[-1]

    pairs: list[tuple[socket.socket, socket.socket]] = []
    run(main())
    for pair in pairs:
        for sock in pair:
            sock.close()


def test_a_callback_that_a_reader_leaves_runs_at_once():
    async def main() -> None:
        loop, sockets, heard = asyncio.get_running_loop(), Sockets(quiet=False), asyncio.Event()
        media_loop.watch(loop, sockets.one.fileno(), sockets.reader)
        sockets.on_read = heard.set
        timer = threading.Timer(0.05, sockets.other.send, (b"x",))
        timer.start()
        async with asyncio.timeout(10):
            await heard.wait()
        timer.join()
        media_loop.forget(loop, sockets.one.fileno())
        sockets.close()

    run(main())


def test_a_reader_that_fails_is_counted_and_the_loop_goes_on():
    async def main() -> int:
        loop, sockets, heard = asyncio.get_running_loop(), Sockets(fail=True), asyncio.Event()
        media_loop.watch(loop, sockets.one.fileno(), sockets.reader)
        sockets.on_read = heard.set
        sockets.other.send(b"x")
        async with asyncio.timeout(10):
            await heard.wait()
        media_loop.forget(loop, sockets.one.fileno())
        media_loop.forget(loop, sockets.one.fileno())
        sockets.close()
        return media_loop._selectors[loop].reader_errors

    assert run(main()) == 1


def test_without_the_loop_the_reader_is_the_loops_own():
    async def main() -> None:
        loop, sockets, heard = asyncio.get_running_loop(), Sockets(), asyncio.Event()
        media_loop.watch(loop, sockets.one.fileno(), sockets.reader)
        sockets.on_read = heard.set
        sockets.other.send(b"x")
        async with asyncio.timeout(10):
            await heard.wait()
        media_loop.forget(loop, sockets.one.fileno())
        sockets.close()

    asyncio.run(main())
