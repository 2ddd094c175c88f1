"""The obvious way with aiortc, to compare with: `MediaRelay`, which decodes and encodes everything again."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict

import aioice.ice
from aiohttp import web
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay


class Rooms:
    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._rooms: dict[str, list[RTCPeerConnection]] = defaultdict(list)

    async def offer(self, request: web.Request) -> web.Response:
        """Take one of two; each line sends what the other's receives, once the other is there."""
        description = await request.json()
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        room = self._rooms[request.query["room"]]
        room.append(connection)
        await connection.setRemoteDescription(RTCSessionDescription(description["sdp"], description["type"]))
        for transceiver in connection.getTransceivers():
            transceiver.direction = "sendrecv"
        if len(room) == 2:
            self._cross(*room)
            self._cross(*reversed(room))
        await connection.setLocalDescription(await connection.createAnswer())
        return web.json_response({"type": "answer", "sdp": connection.localDescription.sdp})

    def _cross(self, source: RTCPeerConnection, sink: RTCPeerConnection) -> None:
        tracks = {transceiver.kind: transceiver.receiver.track for transceiver in source.getTransceivers()}
        for transceiver in sink.getTransceivers():
            transceiver.sender.replaceTrack(self._relay.subscribe(tracks[transceiver.kind]))


async def main(address: str, port: int) -> None:
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [address]
    application = web.Application()
    application.router.add_post("/offer", Rooms().offer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, address, port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
