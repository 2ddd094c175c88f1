"""Two clients through two peers."""

from __future__ import annotations

from tests.media.browser import Browser, Listener, new_peer


async def test_both_sides_receive_payloads_unchanged():
    listener = Listener()
    peers = [new_peer(listener), new_peer()]
    browsers = [Browser(), Browser()]
    peers[0].listen_to(peers[1])
    peers[1].listen_to(peers[0])
    try:
        for browser, peer in zip(browsers, peers, strict=True):
            await browser.connect(peer)
        for browser, other in (tuple(browsers), tuple(reversed(browsers))):
            for kind, count in (("audio", 50), ("video", 20)):
                await browser.until(lambda b=browser, k=kind, c=count: len(b.received[k]) >= c)
                sent = {packet.payload for packet in other.sent[kind]}
                assert {packet.payload for packet in browser.received[kind]} <= sent
        assert listener.audio
        assert listener.states == ["connecting", "connected"]
        assert peers[0].stats().hook_errors == peers[0].stats().send_errors == 0
    finally:
        for closing in (*browsers, *peers):
            await closing.close()
