"""The only file that touches private names of aiortc and aioice.

aiortc does SDP, ICE and DTLS-SRTP. RTP and RTCP are taken from it as decrypted bytes, before its router, jitter
buffers, decoder threads, track queues and encoders, none of which ever start. `tests/media/test_aiortc_seam.py`
holds each name used here to what aiortc 1.16 and aioice 0.13 have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol
from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceCandidate,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.rtcdtlstransport import RTCDtlsTransport, State

from .description import Kind, with_opus_parameters
from .ice import IceSettings, RemoteCandidate, announced, bind_udp, host_addresses, interfaces
from .offer import Offer

log = structlog.get_logger()

MAX_WAITING_DATAGRAMS = 2048
MAX_UNSENT_BYTES = 1 << 20
CLOSE_TIMEOUT_S = 3.0
CODECS: dict[Kind, tuple[str, ...]] = {"audio": ("audio/opus",), "video": ("video/VP8", "video/H264", "video/rtx")}


@dataclass(frozen=True, slots=True)
class TransportHooks:
    """Whom a transport tells; called on the event loop. What they raise is counted and goes no further."""

    on_rtp: Callable[[bytes], None]
    on_rtcp: Callable[[bytes], None]
    on_state: Callable[[str], None]


@dataclass(slots=True)
class TransportCounters:
    """What went wrong between socket and hooks."""

    hook_errors: int = 0
    send_errors: int = 0
    dropped_in: int = 0
    dropped_out: int = 0


class Transport:
    """One RTCPeerConnection, reduced to a pipe for RTP and RTCP."""

    def __init__(self, ice: IceSettings, hooks: TransportHooks) -> None:
        self.counters = TransportCounters()
        self._ice = ice
        self._hooks = hooks
        self._pc: RTCPeerConnection | None = None
        self._dtls: RTCDtlsTransport | None = None
        self._connection: Connection | None = None

    @property
    def connected(self) -> bool:
        """Packets can be sent."""
        return self._dtls is not None and self._dtls._state is State.CONNECTED

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
        await pc.setLocalDescription(RTCSessionDescription(with_opus_parameters(answer.sdp), "answer"))
        return pc.localDescription.sdp

    async def add_candidate(self, candidate: RemoteCandidate) -> None:
        """Let ICE check a further address of the browser."""
        if self._dtls is not None:
            await self._dtls.transport.addRemoteCandidate(
                RTCIceCandidate(
                    1, candidate.foundation, candidate.ip, candidate.port, candidate.priority, "udp", candidate.type
                )
            )

    def send_rtp(self, data: bytes) -> bool:
        """Encrypt and send an RTP packet at once; False if it could not be sent."""
        return self._send(data, rtcp=False)

    def send_rtcp(self, data: bytes) -> bool:
        """Encrypt and send an RTCP compound at once; False if it could not be sent."""
        return self._send(data, rtcp=True)

    async def close(self) -> None:
        """Close within `CLOSE_TIMEOUT_S` and a little, whatever state the connection is in."""
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

    def _add_line(self, pc: RTCPeerConnection, kind: Kind) -> None:
        transceiver = pc.addTransceiver(kind, "sendrecv")
        capabilities = RTCRtpSender.getCapabilities(kind).codecs
        wanted = [codec for name in CODECS[kind] for codec in capabilities if codec.mimeType == name]
        transceiver.setCodecPreferences(wanted)
        # Neither side of the transceiver ever starts: no decoder thread, no polling of a missing track.
        transceiver.receiver.receive = _nothing  # type: ignore[method-assign]
        transceiver.sender.send = _nothing  # type: ignore[method-assign]
        if self._dtls is None:
            self._take_over(transceiver.receiver.transport)

    def _take_over(self, dtls: RTCDtlsTransport) -> None:
        async def on_rtp(data: bytes, arrival_time_ms: int) -> None:  # noqa: ARG001
            self._contained(self._hooks.on_rtp, data)

        async def on_rtcp(data: bytes) -> None:
            self._contained(self._hooks.on_rtcp, data)

        connection = dtls.transport._connection
        queue = connection._queue

        def on_datagram(data: bytes, component: int) -> None:
            # An empty datagram, from anybody, would end aiortc's reader and with it the call.
            if data and queue.qsize() < MAX_WAITING_DATAGRAMS:
                queue.put_nowait((data, component))
            else:
                self.counters.dropped_in += 1

        async def on_gather(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:  # noqa: ARG001
            return await self._bind(connection, component)

        dtls._handle_rtp_data = on_rtp  # type: ignore[method-assign]
        dtls._handle_rtcp_data = on_rtcp  # type: ignore[method-assign]
        connection.data_received = on_datagram  # type: ignore[method-assign]
        connection.get_component_candidates = on_gather  # type: ignore[method-assign]
        self._dtls, self._connection = dtls, connection

    async def _bind(self, connection: Connection, component: int) -> list[Candidate]:
        """Bind every address worth offering, in the port range; return the candidates as the answer names them."""
        loop = asyncio.get_running_loop()
        candidates: list[Candidate] = []
        for rank, address in enumerate(host_addresses(interfaces())):
            try:
                sock = bind_udp(address, self._ice)
            except OSError as error:
                log.debug("media.address_not_bound", address=address, error=repr(error))
                continue
            transport, protocol = await loop.create_datagram_endpoint(lambda: StunProtocol(connection), sock=sock)
            protocol.local_candidate = _candidate(component, address, transport.get_extra_info("sockname")[1], rank)
            connection._protocols.append(protocol)
            if connection._closing:
                # Closed while gathering: nobody else would close this socket.
                await protocol.close()
                break
            shown = announced(address, self._ice)
            candidates.append(_candidate(component, shown, protocol.local_candidate.port, rank))
        return candidates

    def _send(self, data: bytes, *, rtcp: bool) -> bool:
        dtls, connection = self._dtls, self._connection
        pair = connection._nominated.get(1) if connection is not None else None
        if pair is None or dtls is None or dtls._state is not State.CONNECTED:
            return False
        try:
            udp = pair.protocol.transport
            if udp.get_write_buffer_size() > MAX_UNSENT_BYTES:  # type: ignore[attr-defined]
                self.counters.dropped_out += 1
                return False
            session = dtls._tx_srtp
            udp.sendto(session.protect_rtcp(data) if rtcp else session.protect(data), pair.remote_addr)
        except Exception:
            # It is the other leg that sends: its failure must not end the leg whose packet this is.
            self._count_send_error()
            return False
        return True

    def _count_send_error(self) -> None:
        self.counters.send_errors += 1
        if self.counters.send_errors == 1:
            log.warning("media.send_failed", exc_info=True)

    def _contained(self, hook: Callable[[Any], None], value: object) -> None:
        try:
            hook(value)
        except Exception:
            # aiortc ends the connection on an exception here.
            self.counters.hook_errors += 1
            if self.counters.hook_errors == 1:
                log.exception("media.hook_failed")

    def _on_state_change(self) -> None:
        if self._pc is not None:
            self._contained(self._hooks.on_state, self._pc.connectionState)

    def _abort(self) -> None:
        """Free sockets and tasks of a connection that does not close by itself."""
        tasks: Sequence[asyncio.Future[None] | None] = ()
        if self._dtls is not None and self._connection is not None:
            tasks = (self._dtls._task, self._connection._query_consent_task)
            for protocol in self._connection._protocols:
                protocol.transport.abort()
            self._connection._queue.put_nowait(None)
        for task in tasks:
            if task is not None:
                task.cancel()


def _candidate(component: int, address: str, port: int, rank: int) -> Candidate:
    return Candidate(
        foundation=candidate_foundation("host", "udp", address),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host", 65535 - rank),
        host=address,
        port=port,
        type="host",
    )


async def _nothing(parameters: object) -> None:
    """Stand in for a sender or receiver that must not start."""
