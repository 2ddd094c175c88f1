"""One RTCPeerConnection, reduced to a pipe for RTP and RTCP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceCandidate,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)

from .aiortc_seam import Wire, WireCounters, WireHooks, keep_idle
from .description import Kind, with_codec_parameters
from .ice import IceSettings, RemoteCandidate
from .offer import Offer

log = structlog.get_logger()

CLOSE_TIMEOUT_S = 3.0
CODECS: dict[Kind, tuple[str, ...]] = {"audio": ("audio/opus",), "video": ("video/VP8", "video/H264", "video/rtx")}


class Transport:
    """Negotiates, connects, and passes packets; nothing is bound before the first offer."""

    def __init__(self, ice: IceSettings, hooks: WireHooks, on_state: Callable[[str], None]) -> None:
        self._ice = ice
        self._hooks = hooks
        self._tell_state = on_state
        self._pc: RTCPeerConnection | None = None
        self._wire: Wire | None = None

    @property
    def connected(self) -> bool:
        """Packets can be sent."""
        return self._wire is not None and self._wire.connected

    @property
    def counters(self) -> WireCounters:
        """What went wrong below."""
        return self._wire.counters if self._wire is not None else WireCounters()

    async def answer(self, offer: Offer) -> str:
        """Return the answer to a checked offer; raises whatever aiortc raises about it."""
        if self._pc is None:
            # Without servers named, aiortc would ask a public STUN server.
            self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
            self._pc.on("connectionstatechange", self._on_state_change)
        pc = self._pc
        present = {transceiver.kind for transceiver in pc.getTransceivers()}
        for line in offer.lines:
            if line.kind not in present:
                self._add_line(pc, line.kind)
        await pc.setRemoteDescription(RTCSessionDescription(offer.text, "offer"))
        answer = await pc.createAnswer()
        await pc.setLocalDescription(RTCSessionDescription(with_codec_parameters(answer.sdp), "answer"))
        return pc.localDescription.sdp

    async def add_candidate(self, candidate: RemoteCandidate) -> None:
        """Let ICE check a further address of the browser."""
        if self._pc is not None and self._pc.getTransceivers():
            ice = self._pc.getTransceivers()[0].receiver.transport.transport
            found = candidate
            await ice.addRemoteCandidate(
                RTCIceCandidate(1, found.foundation, found.ip, found.port, found.priority, "udp", found.type)
            )

    def send_rtp(self, data: bytes) -> bool:
        """Encrypt and send an RTP packet at once; False if it could not be sent."""
        return self._wire is not None and self._wire.send(data, rtcp=False)

    def send_in_place(self, octets: int) -> bool:
        """Encrypt and send the RTP packet of that length in `packet_buffer()`; False if it could not be sent."""
        return self._wire is not None and self._wire.send_in_place(octets)

    def send_rtcp(self, data: bytes) -> bool:
        """Encrypt and send an RTCP compound at once; False if it could not be sent."""
        return self._wire is not None and self._wire.send(data, rtcp=True)

    async def close(self) -> None:
        """Close within 5 seconds, whatever state the connection is in."""
        if self._pc is None:
            return
        closing = asyncio.ensure_future(self._pc.close())
        # RTCPeerConnection.close can wait forever after a first call that failed, and can swallow a cancellation.
        await asyncio.wait({closing}, timeout=CLOSE_TIMEOUT_S)
        if not closing.done():
            log.warning("media.close_forced")
            closing.cancel()
            self._abort()
            await asyncio.wait({closing}, timeout=0.5)
        elif not closing.cancelled() and closing.exception() is not None:
            log.warning("media.close_failed", error=repr(closing.exception()))
            self._abort()
        if self._wire is not None:
            await self._wire.settle()

    def _abort(self) -> None:
        if self._wire is not None:
            self._wire.abort()

    def _add_line(self, pc: RTCPeerConnection, kind: Kind) -> None:
        transceiver = pc.addTransceiver(kind, "sendrecv")
        capabilities = RTCRtpSender.getCapabilities(kind).codecs
        transceiver.setCodecPreferences(
            [codec for name in CODECS[kind] for codec in capabilities if codec.mimeType == name]
        )
        keep_idle(transceiver)
        if self._wire is None:
            self._wire = Wire(transceiver.receiver.transport, self._ice, self._hooks)

    def _on_state_change(self) -> None:
        if self._pc is not None and self._wire is not None:
            self._wire.contained(self._tell_state, self._pc.connectionState)
