"""How the helper's thread ends, and what it must never touch afterwards."""

from __future__ import annotations

from tests.media.browser import Browser, Listener, closing, new_peer


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
