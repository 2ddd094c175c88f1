"""Ends of a connection."""

from __future__ import annotations

import asyncio

import pytest

from server.media import transport
from tests.media.browser import Browser, Listener, closing, cross, new_peer
from tests.media.test_offer import CHROMIUM


async def test_an_offer_nobody_connects_to_fails_after_the_timeout_and_frees_everything():
    listener = Listener()
    peer = new_peer(listener, connect_timeout_s=0.05)
    await peer.answer(CHROMIUM)
    await listener.until(lambda: "closed" in listener.states)
    assert listener.states == ["connecting", "failed", "closed"]
    await peer.close()


async def test_the_browser_closing_closes_the_peer():
    listener, browser = Listener(), Browser()
    peer = new_peer(listener)
    async with closing(peer):
        await browser.connect(peer)
        await listener.until(lambda: len(listener.audio) >= 1)
        await browser.close()
        await listener.until(lambda: "closed" in listener.states)


@pytest.mark.parametrize("state", ["new", "negotiating", "negotiated", "connected", "refused"])
async def test_closing_in_any_state_is_quick_and_can_be_repeated(state):
    listener, browser = Listener(), Browser()
    peer = new_peer(listener)
    answering = None
    async with closing(browser):
        if state == "negotiating":
            answering = asyncio.ensure_future(peer.answer(CHROMIUM))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        elif state == "negotiated":
            await peer.answer(CHROMIUM)
        elif state == "connected":
            await browser.connect(peer)
            await listener.until(lambda: len(listener.audio) >= 1)
        elif state == "refused":
            with pytest.raises(Exception, match="media line"):
                await peer.answer("v=0\r\n")
        async with asyncio.timeout(5):
            await asyncio.gather(peer.close(), peer.close())
            await peer.close()
        if answering is not None:
            await asyncio.wait({answering})
            answering.exception()


async def test_a_connection_that_never_ends_its_close_is_forced(monkeypatch):
    monkeypatch.setattr(transport, "CLOSE_TIMEOUT_S", 0.05)
    peer = new_peer()
    await peer.answer(CHROMIUM)
    pc = peer._transport._pc

    async def never() -> None:
        await asyncio.Event().wait()

    close, pc.close = pc.close, never
    async with asyncio.timeout(6):
        await peer.close()
    await close()


async def test_a_closed_peer_neither_listens_nor_is_listened_to():
    peers = [new_peer(), new_peer()]
    cross(*peers)
    await peers[0].close()
    cross(*peers)
    assert [peer._leg.source for peer in peers] == [None, None]
    assert [peer._leg.listeners for peer in peers] == [[], []]
    await peers[1].close()


async def test_two_peers_in_one_loop_have_numbers_of_their_own():
    assert new_peer()._leg.number != new_peer()._leg.number
