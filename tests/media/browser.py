"""A browser's stand-in: aiortc as a client, with every RTP and RTCP packet it sends and receives kept."""

from __future__ import annotations

import asyncio
import fractions
from collections import defaultdict
from collections.abc import Callable
from contextlib import asynccontextmanager

import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import AudioFrame, VideoFrame

from server.media.ice import IceSettings
from server.media.peer import Peer, PeerState
from server.media.rtcp import Message, parse_rtcp
from server.media.rtp import RtpPacket, parse_rtp
from server.model.audio import OpusPacket, SenderReport

VIDEO_INTERVAL_S = 1 / 15


class Tone(MediaStreamTrack):
    """A 440 Hz tone in 20 ms frames of 48 kHz mono."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._index = 0

    async def recv(self) -> AudioFrame:
        await asyncio.sleep(0.02)
        times = (self._index * 960 + np.arange(960)) / 48_000
        samples = (8000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
        frame = AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 48_000
        frame.pts, frame.time_base = self._index * 960, fractions.Fraction(1, 48_000)
        self._index += 1
        return frame


class Stripes(MediaStreamTrack):
    """Moving stripes, 64x48."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._index = 0

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(VIDEO_INTERVAL_S)
        shade = ((np.arange(64) + 4 * self._index) % 64 * 3).astype(np.uint8)
        picture = np.broadcast_to(shade[None, :, None], (48, 64, 3))
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame.pts, frame.time_base = self._index * 6000, fractions.Fraction(1, 90_000)
        self._index += 1
        return frame


class Watched:
    """Something to wait for changes of."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    async def until(self, holds: Callable[[], bool], timeout_s: float = 30.0) -> None:
        """Wait until `holds()`, looking again at every change."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                self._changed.clear()
                await self._changed.wait()


class Browser(Watched):
    """Offers audio and video as the page does, and keeps the packets by kind."""

    def __init__(self, *, sending: bool = True) -> None:
        super().__init__()
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.sent: dict[str, list[RtpPacket]] = defaultdict(list)
        self.received: dict[str, list[RtpPacket]] = defaultdict(list)
        self.sent_control: list[Message] = []
        self.received_control: list[Message] = []
        self._kinds: dict[int, str] = {}
        for kind, track in (("audio", Tone), ("video", Stripes)):
            if sending:
                self.pc.addTrack(track())
            else:
                self.pc.addTransceiver(kind, "recvonly")

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        for transceiver in self.pc.getTransceivers():
            for codec in transceiver._codecs:
                self._kinds[codec.payloadType] = "rtx" if codec.name == "rtx" else transceiver.kind
        self._watch(self.pc.getTransceivers()[0].sender.transport)

    async def connect(self, peer: Peer) -> None:
        await self.accept(await peer.answer(await self.offer()))

    async def close(self) -> None:
        await self.pc.close()

    def _watch(self, dtls) -> None:
        handle_rtp, handle_rtcp, send = dtls._handle_rtp_data, dtls._handle_rtcp_data, dtls._send_rtp

        async def on_rtp(data: bytes, arrival_time_ms: int) -> None:
            packet = parse_rtp(data)
            self.received[self._kinds[packet.payload_type]].append(packet)
            self._changed.set()
            await handle_rtp(data, arrival_time_ms)

        async def on_rtcp(data: bytes) -> None:
            self.received_control.extend(parse_rtcp(data))
            self._changed.set()
            await handle_rtcp(data)

        async def on_send(data: bytes) -> None:
            if 192 <= data[1] <= 208:
                self.sent_control.extend(parse_rtcp(data))
            else:
                packet = parse_rtp(data)
                self.sent[self._kinds[packet.payload_type]].append(packet)
            self._changed.set()
            await send(data)

        dtls._handle_rtp_data, dtls._handle_rtcp_data, dtls._send_rtp = on_rtp, on_rtcp, on_send


class Listener(Watched):
    """Keeps what a peer tells."""

    def __init__(self) -> None:
        super().__init__()
        self.audio: list[OpusPacket] = []
        self.reports: list[SenderReport] = []
        self.states: list[PeerState] = []

    def on_audio(self, packet: OpusPacket) -> None:
        self.audio.append(packet)
        self._changed.set()

    def on_sender_report(self, report: SenderReport) -> None:
        self.reports.append(report)
        self._changed.set()

    def on_connection_state(self, state: PeerState) -> None:
        self.states.append(state)
        self._changed.set()


def new_peer(listener: Listener | None = None, **options) -> Peer:
    loop = asyncio.get_running_loop()
    return Peer(ice=options.pop("ice", IceSettings()), now_s=loop.time, listener=listener or Listener(), **options)


@asynccontextmanager
async def closing(*things):
    """Close everything at the end, and bound it."""
    try:
        yield
    finally:
        async with asyncio.timeout(20):
            for thing in things:
                await thing.close()


def cross(one, other) -> None:
    one.listen_to(other)
    other.listen_to(one)
