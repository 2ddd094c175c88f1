"""What a page's peer connections say of themselves."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

from tests.e2e.running import until

WATCH = """
    window.peers = [];
    const Plain = RTCPeerConnection;
    window.RTCPeerConnection = class extends Plain {
        constructor(configuration) {
            super({ ...configuration, ...(window.forcedIce || {}) });
            window.peers.push(this);
        }
    };
"""
FORCE_RELAY = "window.forcedIce = { iceTransportPolicy: 'relay' };"
STATS = "async () => [...(await window.peers.at(-1).getStats()).values()]"


async def stats(page: Page) -> list[dict[str, Any]]:
    """Return the reports of the newest peer connection."""
    return list(await page.evaluate(STATS))


def of(reports: list[dict[str, Any]], kind: str, media: str) -> dict[str, Any]:
    """Return the report of a type and media kind."""
    return next(one for one in reports if one["type"] == kind and one.get("kind") == media)


async def wait_for_frames(page: Page, more: int = 10) -> int:
    """Wait until `more` further video frames have been decoded; return how many there are then."""
    seen: list[int] = []

    async def enough() -> bool:
        reports = await stats(page) if await page.evaluate("window.peers.length > 0") else []
        seen.append(sum(one.get("framesDecoded", 0) for one in reports if one["type"] == "inbound-rtp"))
        return seen[-1] >= min(seen) + more

    await until(enough)
    return seen[-1]
