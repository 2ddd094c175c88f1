"""One participant: aiortc for SDP, ICE and DTLS; RTP sent and received by a short way of its own, nothing decoded."""

from __future__ import annotations

import asyncio
import bisect
import random
import re
import struct
import time
from dataclasses import dataclass, field

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

from server.media.aiortc_seam import keep_idle
from server.media.description import ABS_SEND_TIME, MID
from server.media.rtcp import (
    KeyFrameRequest,
    Nack,
    ReportBlock,
    SenderInfo,
    parse_rtcp,
    write_receiver_report,
    write_sender_report,
)
from server.media.rtp import Malformed

from .media import LOOP_S, STAMP, Due

HEAD = struct.Struct("!BBHII")
SEQUENCE_AND_SSRC = struct.Struct("!HII")
TIME = struct.Struct("!4sQ")
MAGIC = b"esld"
CLOCKS_HZ = (48_000, 90_000)
NTP_EPOCH_S = 2_208_988_800


@dataclass(slots=True)
class Stream:
    """What goes out of one kind."""

    payload_type: int
    ssrc: int
    extension: bytes
    timed: bool
    sequence: int = field(default_factory=lambda: random.randrange(1 << 15))
    first_ticks: int = field(default_factory=lambda: random.randrange(1 << 31))
    packets: int = 0
    octets: int = 0


@dataclass(slots=True)
class Heard:
    """What came in of one SSRC: sequence numbers are unwrapped."""

    video: bool
    first: int
    highest: int
    packets: int = 0
    octets: int = 0


@dataclass(slots=True)
class Counts:
    """Sums over some participants."""

    sent: int = 0
    received: int = 0
    received_octets: int = 0
    expected: int = 0
    nacks: int = 0
    key_frame_requests: int = 0
    silent: int = 0


class Participant:
    """Create inside a running loop; negotiate with `offer`/`take`; `attach` once connected; then `start`."""

    def __init__(self, due: list[Due], *, stamped: bool) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connected = asyncio.Event()
        self.measuring = False
        self.latencies_ns: tuple[list[int], list[int]] = ([], [])
        self.lateness_s: list[float] = []
        self._due, self._stamped, self._stopped = due, stamped, False
        self._streams: list[Stream] = []
        self._heard: dict[int, Heard] = {}
        self._nacks = self._key_frame_requests = 0
        self.pc.on("connectionstatechange", self._on_state)
        for kind, name in (("audio", "audio/opus"), ("video", "video/VP8")):
            transceiver = self.pc.addTransceiver(kind, "sendrecv")
            codecs = RTCRtpSender.getCapabilities(kind).codecs
            transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType == name])
            keep_idle(transceiver)

    async def offer(self) -> str:
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def take(self, sdp: str, kind: str = "answer") -> str:
        """Take the other side's description; return the answer if it was an offer."""
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, kind))
        if kind == "offer":
            for transceiver in self.pc.getTransceivers():
                keep_idle(transceiver)
            await self.pc.setLocalDescription(await self.pc.createAnswer())
        return self.pc.localDescription.sdp

    def attach(self) -> None:
        """Take packets from here on directly at the socket."""
        dtls = self.pc.getTransceivers()[0].sender.transport
        pair = dtls.transport._connection._nominated[1]
        self._address, self._udp = pair.remote_addr, pair.protocol.transport
        self._tx, self._rx = dtls._tx_srtp, dtls._rx_srtp
        local, remote = (_sections(side.sdp) for side in (self.pc.localDescription, self.pc.remoteDescription))
        self._streams = [_stream(local[kind], remote[kind]) for kind in ("audio", "video")]
        self._otherwise = pair.protocol.datagram_received
        pair.protocol.datagram_received = self._receive

    def start(self, zero_s: float) -> None:
        """Send from now on; the loop's beginning lies at `zero_s`, maybe in the past."""
        loops, offset_s = divmod(max(0.0, time.monotonic() - zero_s), LOOP_S)
        index = bisect.bisect_left(self._due, offset_s, key=lambda due: due.at_s)
        self._zero_s, self._loops, self._index = zero_s + loops * LOOP_S, int(loops), index % len(self._due)
        if index == len(self._due):
            self._next_loop()
        self._tick()
        asyncio.get_running_loop().call_later(random.random(), self._report)

    def stop(self) -> None:
        self._stopped = True

    def counts(self) -> Counts:
        heard = self._heard.values()
        return Counts(
            sent=sum(stream.packets for stream in self._streams),
            received=sum(one.packets for one in heard),
            received_octets=sum(one.octets for one in heard),
            expected=sum(one.highest - one.first + 1 for one in heard),
            nacks=self._nacks,
            key_frame_requests=self._key_frame_requests,
            silent=2 - len({one.video for one in heard}),
        )

    def _on_state(self) -> None:
        if self.pc.connectionState == "connected":
            self.connected.set()

    def _next_loop(self) -> None:
        self._index, self._loops, self._zero_s = 0, self._loops + 1, self._zero_s + LOOP_S

    def _tick(self) -> None:
        if self._stopped:
            return
        now_s = time.monotonic()
        while True:
            due = self._due[self._index]
            at_s = self._zero_s + due.at_s
            if at_s > now_s + 0.0003:
                break
            self._send(due, now_s)
            if self.measuring:
                self.lateness_s.append(now_s - at_s)
            self._index += 1
            if self._index == len(self._due):
                self._next_loop()
        asyncio.get_running_loop().call_at(at_s, self._tick)

    def _send(self, due: Due, now_s: float) -> None:
        stream = self._streams[due.video]
        ticks = stream.first_ticks + self._loops * LOOP_S * CLOCKS_HZ[due.video] + due.ticks
        head = HEAD.pack(
            0x90 if stream.extension else 0x80,
            due.marker << 7 | stream.payload_type,
            stream.sequence,
            ticks & 0xFFFFFFFF,
            stream.ssrc,
        )
        stream.sequence = (stream.sequence + 1) & 0xFFFF
        stream.packets += 1
        stream.octets += len(due.payload)
        extension, payload = stream.extension, due.payload
        if stream.timed:
            extension = extension[:-3] + (int(now_s * 262144) & 0xFFFFFF).to_bytes(3, "big")
        if self._stamped:
            payload = payload[:-STAMP] + TIME.pack(MAGIC, time.monotonic_ns())
        self._udp.sendto(self._tx.protect(head + extension + payload), self._address)

    def _receive(self, data: bytes, address: tuple) -> None:
        now_ns = time.monotonic_ns()
        if len(data) < 12 or not 128 <= data[0] < 192:
            self._otherwise(data, address)
            return
        try:
            if 192 <= data[1] <= 223:
                self._receive_rtcp(self._rx.unprotect_rtcp(data))
                return
            packet = self._rx.unprotect(data)
        except Exception:
            return
        self._count(packet)
        if self.measuring and packet[-STAMP : -STAMP + 4] == MAGIC:
            video = packet[1] & 0x7F == self._streams[1].payload_type
            self.latencies_ns[video].append(now_ns - TIME.unpack_from(packet, len(packet) - STAMP)[1])

    def _count(self, packet: bytes) -> None:
        sequence, _, ssrc = SEQUENCE_AND_SSRC.unpack_from(packet, 2)
        heard = self._heard.get(ssrc)
        if heard is None:
            video = packet[1] & 0x7F == self._streams[1].payload_type
            heard = self._heard[ssrc] = Heard(video, sequence, sequence)
        heard.packets += 1
        heard.octets += len(packet)
        ahead = (sequence - heard.highest) & 0xFFFF
        if ahead < 0x8000:
            heard.highest += ahead

    def _receive_rtcp(self, data: bytes) -> None:
        try:
            for message in parse_rtcp(data):
                self._nacks += isinstance(message, Nack)
                self._key_frame_requests += isinstance(message, KeyFrameRequest)
        except Malformed:
            return

    def _report(self) -> None:
        """Sender reports, and receiver reports as a browser without loss would send them, once a second."""
        if self._stopped:
            return
        asyncio.get_running_loop().call_later(1.0, self._report)
        ntp = int((time.time() + NTP_EPOCH_S) * (1 << 32))
        for video, stream in enumerate(self._streams):
            elapsed_s = self._loops * LOOP_S + time.monotonic() - self._zero_s
            ticks = int(stream.first_ticks + elapsed_s * CLOCKS_HZ[video]) & 0xFFFFFFFF
            info = SenderInfo(stream.ssrc, ntp, ticks, stream.packets, stream.octets)
            self._send_rtcp(write_sender_report(info, "load"))
        blocks = tuple(ReportBlock(ssrc, 0, one.highest & 0xFFFFFFFF, 10, 0, 0) for ssrc, one in self._heard.items())
        if blocks:
            self._send_rtcp(write_receiver_report(self._streams[0].ssrc, blocks[:31]))

    def _send_rtcp(self, data: bytes) -> None:
        self._udp.sendto(self._tx.protect_rtcp(data), self._address)


def _sections(sdp: str) -> dict[str, str]:
    parts = re.split(r"(?m)^m=", sdp)[1:]
    return {part.split(" ", 1)[0]: part for part in parts}


def _stream(local: str, remote: str) -> Stream:
    """Read what was agreed on for sending: the answer's ids hold, whoever answered."""
    ids = {uri: int(number) for number, uri in re.findall(r"(?m)^a=extmap:(\d+)\S* (\S+)", remote)}
    ids = {uri: number for uri, number in ids.items() if f" {uri}" in local}
    payload_type = int(re.findall(r"(?mi)^a=rtpmap:(\d+) (?:opus|VP8)/", remote)[0])
    ssrc = int(re.findall(r"(?m)^a=ssrc:(\d+)", local)[0])
    block = b""
    if MID in ids:
        mid = re.findall(r"(?m)^a=mid:(\S+)", local)[0].encode()
        block += bytes((ids[MID] << 4 | (len(mid) - 1),)) + mid
    timed = ABS_SEND_TIME in ids
    if timed:
        block += bytes((ids[ABS_SEND_TIME] << 4 | 2, 0, 0, 0))
    if not block:
        return Stream(payload_type, ssrc, b"", False)
    # Padding goes first, so that the time lies at the end.
    block = bytes(-len(block) % 4) + block
    return Stream(payload_type, ssrc, struct.pack("!HH", 0xBEDE, len(block) // 4) + block, timed)
