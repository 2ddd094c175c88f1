"""The helper's thread: what it leaves to Python is taken whole and in order, and it waits at the gate."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from server.media import loop as media_loop
from server.media.latency import LATENCY_BOUNDS_S, Latencies
from server.media.native import gate, native
from server.media.relay import RAW, Left, Relay
from server.media.srtp_seam import packet_buffer
from tests.media.browser import Browser, Listener, closing, cross, new_peer

pytestmark = pytest.mark.usefixtures("compiled")


@pytest.fixture
def compiled() -> None:
    assert native() is not None, "scripts/setup builds the helper where cc is; tests need it: apt-get install gcc"


class Line:
    """A socket that a relay reads, and one that sends to it."""

    def __init__(self, *, threaded: bool = True) -> None:
        helper = native()
        assert helper is not None
        self.relay = Relay(helper)
        self.inlet = helper.ffi.new("struct inlet *")
        self.near, self.far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.near.setblocking(False)
        self.near.bind(("127.0.0.1", 0))
        self.far.connect(self.near.getsockname())
        self.relay.watch(self.near.fileno(), self.inlet)
        if threaded:
            self.relay.start()

    def seen(self) -> int:
        return int(self.relay.struct.seen)

    def taken(self) -> list[bytes]:
        found: list[bytes] = []

        def take(fd: int, left: Left) -> None:
            assert (fd, left.kind) == (self.near.fileno(), RAW)
            assert left.sender() == self.far.getsockname()
            found.append(bytes(packet_buffer().view[: left.octets]))

        self.relay.take(take)
        return found

    def close(self) -> None:
        self.relay.forget(self.near.fileno())
        self.relay.close()
        self.near.close()
        self.far.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def until(true: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 20
    while not true():
        assert time.monotonic() < give_up_s
        time.sleep(0)


def test_what_is_left_is_taken_in_order(line):
    sent = [b"\x00%d" % number for number in range(200)]
    for data in sent:
        line.far.send(data)
    until(lambda: line.seen() == 200)
    assert line.taken() == sent
    assert line.taken() == []


def test_without_room_packets_wait_in_the_kernel_and_none_is_lost(line):
    numbers, taken = itertools.count(), []

    def send() -> int:
        number = next(numbers)
        line.far.send(number.to_bytes(4, "big") + bytes(1_396))
        return number + 1

    def send_one() -> bool:
        sent = send()
        until(lambda: line.seen() == sent or bool(line.relay.struct.stalls))
        return bool(line.relay.struct.stalls)

    until(send_one)
    sent = send()
    assert line.seen() < sent
    until(lambda: bool(taken.extend(line.taken()) or len(taken) == sent))
    assert [int.from_bytes(data[:4], "big") for data in taken] == list(range(sent))


def test_nothing_is_read_while_somebody_is_inside_the_gate(line):
    with gate(), gate():
        line.far.send(b"\x00first")
        time.sleep(0.05)
        assert line.seen() == 0
    until(lambda: line.seen() == 1)


def test_nothing_is_read_of_a_socket_that_was_forgotten(line):
    line.relay.forget(line.near.fileno())
    line.far.send(b"\x00late")
    time.sleep(0.05)
    assert line.seen() == 0
    line.relay.watch(line.near.fileno(), line.inlet)
    until(lambda: line.seen() == 1)


def test_taking_while_taking_does_nothing_and_whoever_raises_is_counted():
    line = Line(threaded=False)
    for data in (b"\x00one", b"\x00two"):
        line.far.send(data)
    line.relay.drain(line.inlet, line.near.fileno())
    told: list[int] = []

    def take(fd: int, left: Left) -> None:
        line.relay.take(take)
        told.append(left.octets)
        raise ValueError("broken")

    line.relay.take(take)
    assert (told, line.relay.errors) == ([4, 4], 2)
    line.close()


def test_a_call_is_timed_and_its_last_sound_is_heard_before_its_end():
    async def call() -> tuple[list[str], int, Latencies]:
        told: list[str] = []
        listener = Listener()
        heard, state = listener.on_audio, listener.on_connection_state
        listener.on_audio = lambda packet: (told.append("audio"), heard(packet))
        listener.on_connection_state = lambda name: (told.append(name), state(name))
        peers, browsers = [new_peer(listener), new_peer()], [Browser(), Browser(sending=False)]
        cross(*peers)
        async with closing(*browsers, *peers):
            for browser, peer in zip(browsers, peers, strict=True):
                await browser.connect(peer)
            await browsers[1].until(lambda: len(browsers[1].received["audio"]) >= 20)
            received = len(browsers[1].received["audio"])
            await peers[0].close()
            return told, received, media_loop.latencies(asyncio.get_running_loop())

    with asyncio.Runner(loop_factory=media_loop.new_event_loop) as runner:
        told, received, latencies = runner.run(call())
    assert told[-1] == "closed"
    assert told.count("audio") >= received
    assert sum(latencies.counts) >= received
    assert 0 < latencies.sum_s < sum(latencies.counts)
    assert len(latencies.counts) == len(LATENCY_BOUNDS_S) + 1


def test_without_the_helper_a_sample_is_timed():
    near, far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    near.bind(("127.0.0.1", 0))
    latencies = Latencies()
    for _ in range(100):
        far.sendto(b"x", near.getsockname())
        near.recv(10)
        latencies.sample(near.fileno())
    near.close()
    far.close()
    # The first look has the kernel begin to note times.
    assert 5 <= sum(latencies.counts) <= 7
    assert 0 <= latencies.sum_s < 100
