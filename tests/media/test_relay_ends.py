"""How the helper's thread ends, and what it must never touch afterwards."""

from __future__ import annotations

import gc
import os
import resource
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.media.native import native
from server.media.relay import Relay
from server.model.errors import Unavailable
from tests.media.browser import Browser, Listener, closing, new_peer
from tests.media.relay_line import Line, until


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def test_the_thread_ends_when_no_descriptor_is_left(line):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    closing = threading.Thread(target=line.relay.close, daemon=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        closing.start()
        closing.join(5)
        ended = not closing.is_alive()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    line.far.send(b"\x00wake up")
    closing.join()
    assert ended


def test_a_relay_that_cannot_be_made_keeps_no_descriptor():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = len(os.listdir("/proc/self/fd"))
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 1, hard))
    try:
        with pytest.raises(Unavailable, match="open files"):
            Relay(native())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_relay_that_nobody_has_any_more_ends_its_thread():
    def threads() -> int:
        names = [name.read_text().strip() for name in Path("/proc/self/task").glob("*/comm")]
        return names.count("media-relay")

    before, relay = threads(), Relay(native())
    relay.start()
    until(lambda: threads() == before + 1)
    del relay
    gc.collect()
    assert threads() == before


def test_what_cannot_be_waited_for_is_refused(line):
    with tempfile.TemporaryFile() as file:
        with pytest.raises(Unavailable, match="not permitted"):
            line.relay.watch(file.fileno(), line.inlet)
        assert not line.relay.struct.inlets[file.fileno()]


async def test_nothing_is_sent_from_a_socket_that_is_closing_and_its_descriptor_is_let_go():
    listener, browser = Listener(), Browser()
    peer = new_peer(listener)
    async with closing(browser, peer):
        await browser.connect(peer)
        await listener.until(lambda: "connected" in listener.states)
        wire = peer._transport._wire
        assert wire.refresh_outlet()
        # As when consent expires while the browser goes on nominating: the pair is there, its socket soon is not.
        wire._connection._nominated[1].protocol.transport.close()
        assert not wire.refresh_outlet()
        assert wire.outlet.fd == -1
