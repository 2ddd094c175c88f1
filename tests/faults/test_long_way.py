"""Consent on a connection whose round trip is longer than aioice would wait."""

from __future__ import annotations

import asyncio
import re

from server.media import consent
from tests.media.browser import Browser, Listener, closing, new_peer

from .link import Conditions
from .proxy import FaultProxy


async def _through(proxy: FaultProxy, answer: str) -> str:
    """Lead an answer's candidates through the proxy."""
    ports = set(re.findall(r" 127\.0\.0\.1 (\d+) typ", answer))
    for port in ports:
        front = await proxy.datagrams(("127.0.0.1", int(port)))
        answer = answer.replace(f" 127.0.0.1 {port} typ", f" 127.0.0.1 {front} typ")
    kept = [line for line in answer.split("\r\n") if not line.startswith("a=candidate:") or " 127.0.0.1 " in line]
    return "\r\n".join(kept)


async def test_a_round_trip_of_600_ms_keeps_consent_and_silence_ends_it(monkeypatch):
    monkeypatch.setattr(consent, "CHECK_EVERY_S", 0.1)
    monkeypatch.setattr(consent, "AGAIN_AFTER_S", 0.1)
    monkeypatch.setattr(consent, "EXPIRES_S", 2.0)
    listener, browser = Listener(), Browser()
    peer = new_peer(listener)
    async with FaultProxy() as proxy, closing(browser, peer):
        await browser.accept(await _through(proxy, await peer.answer(await browser.offer())))
        await listener.until(lambda: "connected" in listener.states)
        proxy.set(Conditions(delay_s=0.3))
        await asyncio.sleep(4.0)
        assert listener.states[-1] == "connected"
        proxy.set(Conditions(blackout=True))
        await listener.until(lambda: listener.states[-1] == "closed")
