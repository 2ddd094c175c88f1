"""The helper's thread: what it leaves to Python is taken whole and in order, and it waits at the gate."""

from __future__ import annotations

import asyncio
import itertools
import socket
import time
from collections.abc import Iterator

import pytest

from server.media import loop as media_loop
from server.media.latency import LATENCY_BOUNDS_S, Latencies
from server.media.native import gate, native
from server.media.relay import Left, own_relay, settle_own
from server.media.rtp import RtpPacket
from tests.media.browser import Browser, Listener, closing, cross, new_peer
from tests.media.relay_line import Line, until

pytestmark = pytest.mark.usefixtures("compiled")


@pytest.fixture
def compiled() -> None:
    assert native() is not None, "scripts/setup builds the helper where cc is; tests need it: apt-get install gcc"


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def test_what_is_left_is_taken_in_order(line):
    sent = [b"\x00%d" % number for number in range(200)]
    for data in sent:
        line.far.send(data)
    until(lambda: line.seen() == 200)
    assert line.taken() == sent
    assert line.taken() == []


def test_without_room_packets_wait_in_the_kernel_and_none_is_lost(line):
    numbers, taken = itertools.count(), []
    line.decrypt()

    def send() -> int:
        number = next(numbers)
        line.far.send(bytes([0x80, 0, 0, 0]) + number.to_bytes(4, "big") + bytes(1_392))
        return number + 1

    def send_one() -> bool:
        sent = send()
        until(lambda: line.seen() == sent or bool(line.relay.struct.stalls))
        return bool(line.relay.struct.stalls)

    until(send_one)
    sent = send()
    assert line.seen() < sent
    until(lambda: bool(taken.extend(line.taken()) or len(taken) == sent))
    assert [int.from_bytes(data[4:8], "big") for data in taken] == list(range(sent))


def test_a_flood_at_one_socket_leaves_room_for_the_others():
    line, other = Line(threaded=False), Line(threaded=False)
    for _ in range(4_000):
        for _ in range(16):
            line.far.send(b"\x00")
        line.drain(16)
    other.far.send(b"\x00somebody else")
    until(lambda: line.relay.drain(other.inlet, other.near.fileno()) or line.seen() > 64_000)
    line.relay.take(lambda fd, left: None)
    line.far.send(b"\x00")
    line.drain(1)
    assert line.taken() == [b"\x00"]
    other.close()
    line.close()


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
    line.drain(2)
    told: list[int] = []

    def take(fd: int, left: Left) -> None:
        line.relay.take(take)
        told.append(left.octets)
        raise ValueError("broken")

    line.relay.take(take)
    assert (told, line.relay.errors) == ([4, 4], 2)
    line.close()


def test_sound_is_told_with_its_time_however_long_others_take():
    line, ages = Line(threaded=False), []
    line.hear(lambda packet: ages.append(packet.arrival_s))
    for data in (b"\x00slow", RtpPacket(0, 0, 0, 0, b"sound of a voice").write()):
        line.far.send(data)
    line.drain(2)
    line.relay.take(lambda fd, left: time.sleep(0.1))
    line.close()
    assert 0.1 <= ages[0] < 5


def test_sound_that_comes_while_its_lane_ends_is_told(line):
    heard: list[bytes] = []
    number = line.hear(lambda packet: heard.append(packet.payload))
    own_relay(native())

    def take(fd: int, left: Left) -> None:
        line.far.send(RtpPacket(0, 0, 0, 0, b"sound of a voice").write())
        until(lambda: line.seen() == 2)
        with gate():
            native().end_hearing(number)

    line.far.send(b"\x00what ends the lane")
    until(lambda: line.seen() == 1)
    line.relay.take(take)
    settle_own()
    line.relay.take(take)
    assert heard == [b"sound of a voice"]
    assert number not in native()._hears


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
