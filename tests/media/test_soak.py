"""The accelerated soak: browsers come and go in one process, and nothing of them stays."""

from __future__ import annotations

import asyncio
import gc
import os

from server.media import loop, native
from server.media.lane import Lane
from server.media.leg import Leg
from server.media.loop import new_event_loop
from server.media.native_lane import NativeLane
from server.media.peer import Peer
from server.media.udp import UdpTransport
from tests.media.browser import Browser, Listener, closing, cross, new_peer

WARM_UP, ROUNDS = 2, 6
OURS = (Peer, Leg, Lane, NativeLane, UdpTransport)


async def call() -> None:
    """Two join and hear each other; one is lost and comes back; both leave."""
    listener = Listener()
    peers, browsers = [new_peer(listener), new_peer()], [Browser(), Browser(sending=False)]
    cross(*peers)
    async with closing(*browsers, *peers):
        for browser, peer in zip(browsers, peers, strict=True):
            await browser.connect(peer)
        await browsers[1].until(lambda: len(browsers[1].received["video"]) >= 5)
        await peers[0].close()
        returned, peer = Browser(), new_peer(listener)
        async with closing(returned, peer):
            await returned.connect(peer)
            cross(peer, peers[1])
            seen = len(browsers[1].received["audio"])
            await browsers[1].until(lambda: len(browsers[1].received["audio"]) >= seen + 5)


def what_is_left() -> dict[str, int]:
    gc.collect()
    helper = native.native()
    relay = loop._selectors[asyncio.get_running_loop()].relay
    return {
        "tasks": len(asyncio.all_tasks()),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "ours": sum(isinstance(thing, OURS) for thing in gc.get_objects()),
        "heard": len(helper._hears) if helper is not None else 0,
        "inlets": sum(bool(inlet) for inlet in relay.struct.inlets) if relay is not None else 0,
    }


async def rounds() -> tuple[dict[str, int], dict[str, int]]:
    for _ in range(WARM_UP):
        await call()
    before = what_is_left()
    for _ in range(ROUNDS):
        await call()
    return before, what_is_left()


def test_nothing_is_left_of_those_who_joined_and_left():
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        before, after = runner.run(rounds())
    assert all(after[name] <= before[name] for name in before), (before, after)
