"""A call of two real browsers, the patient's behind a bad network, and what both say of it."""

from __future__ import annotations

import asyncio
import time
import urllib.parse
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from tests.e2e.calls.watching import WATCH, stats
from tests.e2e.running import RunningServer, browser, join, open_page

from .link import Conditions
from .proxy import FaultProxy

# The answer's candidates are led through the proxy, and the browser's own kept from the server, which would go around.
BEHIND_PROXY = """
    {
        const Watched = window.RTCPeerConnection;
        window.RTCPeerConnection = class extends Watched {
            addEventListener(type, ...rest) {
                if (type !== 'icecandidate') super.addEventListener(type, ...rest);
            }
            async setRemoteDescription(description) {
                const lines = description.sdp.split('\\r\\n').filter(
                    (line) => !line.startsWith('a=candidate:') || line.includes(' 127.0.0.1 '));
                const through = await Promise.all(lines.map(async (line) => {
                    if (!line.startsWith('a=candidate:')) return line;
                    const parts = line.split(' ');
                    parts[5] = String(await window.proxied(Number(parts[5])));
                    return parts.join(' ');
                }));
                return super.setRemoteDescription({ type: description.type, sdp: through.join('\\r\\n') });
            }
        };
    }
"""


@dataclass
class FaultyCall:
    """Both pages and the network between the patient and the server."""

    doctor: Page
    patient: Page
    network: FaultProxy

    @property
    def pages(self) -> dict[str, Page]:
        return {"doctor": self.doctor, "patient": self.patient}

    async def connections(self) -> dict[str, int]:
        """Return how many peer connections each page has made."""
        return {name: await page.evaluate("window.peers.length") for name, page in self.pages.items()}


@asynccontextmanager
async def faulty_call(
    server: RunningServer, seed: int = 1, microphone: Path | None = None, meeting: Conditions | None = None
) -> AsyncIterator[FaultyCall]:
    """Let two people meet, on a good network unless told otherwise; nothing is transcribed.

    Both speak as `microphone` does.
    """
    consultation = await server.consultation("pt")
    address = urllib.parse.urlsplit(server.address)
    async with FaultProxy(seed) as network, browser(microphone) as doctors, browser(microphone) as patients:
        network.set(meeting or Conditions())
        stream_port = await network.streams((address.hostname or "", address.port or 80))

        async def proxied(port: int) -> int:
            return await network.datagrams(("127.0.0.1", port))

        # Painting big pages takes more of a small machine than the calls do.
        small: Any = {"viewport": {"width": 400, "height": 300}}
        doctor = await open_page(doctors, "about:blank", **small)
        await doctor.add_init_script(WATCH)
        patient = await open_page(patients, "about:blank", **small)
        await patient.expose_function("proxied", proxied)
        await patient.add_init_script(WATCH + BEHIND_PROXY)
        await doctor.goto(server.link("clinician", consultation))
        link = server.link("patient", consultation)
        await patient.goto(link.replace(f":{address.port}/", f":{stream_port}/"))
        await asyncio.gather(join(doctor, consent=False), join(patient, consent=False))
        call = FaultyCall(doctor, patient, network)
        await resumed(call)
        yield call


SUMS = """
    async () => {
        const sums = {};
        const add = (name, value) => { sums[name] = (sums[name] || 0) + (value || 0); };
        for (const peer of window.peers) {
            if (peer.connectionState === 'closed') continue;
            for (const one of (await peer.getStats()).values()) {
                if (one.type === 'inbound-rtp') {
                    for (const name of ['packetsReceived', 'packetsLost', 'nackCount', 'pliCount', 'freezeCount',
                        'totalFreezesDuration', 'framesDecoded', 'bytesReceived', 'concealedSamples',
                        'silentConcealedSamples', 'totalSamplesReceived', 'keyFramesDecoded', 'framesDropped',
                        'retransmittedPacketsReceived', 'jitterBufferDelay', 'jitterBufferEmittedCount'])
                        add(one.kind + '.' + name, one[name]);
                    if (one.kind === 'video') sums.height = one.frameHeight;
                }
                if (one.type === 'outbound-rtp') {
                    for (const name of ['packetsSent', 'bytesSent', 'retransmittedPacketsSent', 'nackCount', 'pliCount',
                        'framesEncoded', 'targetBitrate', 'framesSent', 'keyFramesEncoded',
                        'qualityLimitationResolutionChanges'])
                        add(one.kind + '.out.' + name, one[name]);
                    for (const [why, seconds] of Object.entries(one.qualityLimitationDurations || {}))
                        add('video.out.limited.' + why, seconds);
                }
                if (one.type === 'media-source' && one.kind === 'video') {
                    add('video.source.frames', one.frames);
                }
            }
        }
        sums.connections = window.peers.length;
        return sums;
    }
"""


async def sums(page: Page) -> dict[str, float]:
    """Return the counters of a page's open connection."""
    return dict(await page.evaluate(SUMS))


async def frames(page: Page) -> tuple[int, float]:
    """Return (number of the newest connection, frames decoded there)."""
    connections = await page.evaluate("window.peers.length")
    if not connections:
        return 0, 0
    decoded = sum(one.get("framesDecoded", 0) for one in await stats(page) if one["type"] == "inbound-rtp")
    return int(connections), decoded


async def resumed(call: FaultyCall, more: int = 5) -> dict[str, float]:
    """Wait until each side has decoded `more` new frames; return after how many seconds each did."""
    began_s = time.monotonic()

    async def watch(page: Page) -> float:
        connection, decoded = await frames(page)
        while True:
            await asyncio.sleep(0.05)
            now = await frames(page)
            if now[0] != connection:
                connection, decoded = now[0], 0
            elif now[1] >= decoded + more:
                return time.monotonic() - began_s

    took_s = await asyncio.gather(*(watch(page) for page in call.pages.values()))
    return dict(zip(call.pages, took_s, strict=True))


async def sampled(call: FaultyCall, seconds: float, on_sample: Callable[[float, dict[str, Any]], None]) -> None:
    """Read both sides twice a second."""
    began_s = time.monotonic()
    while (at_s := time.monotonic() - began_s) < seconds:
        on_sample(at_s, {name: await sums(page) for name, page in call.pages.items()})
        await asyncio.sleep(0.5)
