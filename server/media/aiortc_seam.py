"""The only file, with `consent_seam.py`, that touches private names of aiortc and aioice.

aiortc does SDP, ICE and DTLS-SRTP. RTP and RTCP are taken from it as decrypted bytes, before its router, jitter
buffers, decoder threads, track queues and encoders, none of which ever start. `tests/media/test_aiortc_seam.py`
holds each name used here to what aiortc 1.16 and aioice 0.13 have.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import CandidatePair, Connection, StunProtocol
from aiortc import RTCRtpTransceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport, State
from aiortc.rtcicetransport import RTCIceParameters
from pylibsrtp import Session

from .consent_seam import keep_consent
from .ice import IceSettings, announced, bind_udp, host_addresses, interfaces
from .srtp_seam import packet_buffer
from .udp import UdpTransport

log = structlog.get_logger()

MAX_WAITING_DATAGRAMS = 2048
SETTLE_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class WireHooks:
    """Whom a wire tells; called on the event loop. What they raise is counted and goes no further.

    Of RTP, `on_rtp` gets the length of the packet that lies in `packet_buffer()`, and returns True if it was only
    passed on.
    """

    on_rtp: Callable[[int], bool]
    on_rtcp: Callable[[bytes], None]


@dataclass(slots=True)
class WireCounters:
    """What went wrong between socket and hooks."""

    hook_errors: int = 0
    send_errors: int = 0
    dropped_in: int = 0
    dropped_out: int = 0


def keep_idle(transceiver: RTCRtpTransceiver) -> None:
    """See to it that neither side ever starts: no decoder thread, no polling of a missing track."""
    transceiver.receiver.receive = _nothing  # type: ignore[method-assign]
    transceiver.sender.send = _nothing  # type: ignore[method-assign]


async def _nothing(parameters: object) -> None:
    """Stand in for starting a sender or receiver."""


class Wire:
    """The encrypted way to one browser, taken over from aiortc."""

    def __init__(self, dtls: RTCDtlsTransport, ice: IceSettings, hooks: WireHooks) -> None:
        self.counters = WireCounters()
        self._dtls = dtls
        self._connection: Connection = dtls.transport._connection
        self._ice = ice
        self._hooks = hooks
        self._on_rtp = hooks.on_rtp
        self._buffer = packet_buffer()
        self._rx_session: Session | None = None
        self._tx_session: Session | None = None
        self._pair: CandidatePair | None = None
        self._connecting: set[asyncio.Task[Any]] = set()
        self._take_packets()
        self._take_sockets()

    @property
    def connected(self) -> bool:
        """Packets can be sent."""
        return self._dtls._state is State.CONNECTED

    def send(self, data: bytes, *, rtcp: bool) -> bool:
        """Encrypt and send at once; False if it could not be sent."""
        if not rtcp:
            self._buffer.view[: len(data)] = data
            return self.send_in_place(len(data))
        try:
            return self._send(self._dtls._tx_srtp.protect_rtcp(data)) if self.connected else False
        except Exception:
            return self._not_sent()

    def send_in_place(self, octets: int) -> bool:
        """Encrypt and send the RTP packet of that length that lies in the buffer; False if it could not be sent."""
        dtls = self._dtls
        if dtls._state is not State.CONNECTED:
            return False
        try:
            if dtls._tx_srtp is not self._tx_session or self._tx_session is None:
                self._protect = self._buffer.protector(dtls._tx_srtp)
                self._tx_session = dtls._tx_srtp
            octets = self._protect(octets)
            return octets > 0 and self._send(self._buffer.view[:octets])
        except Exception:
            return self._not_sent()

    def _send(self, data: bytes | memoryview) -> bool:
        pair = self._connection._nominated.get(1)
        if pair is None:
            return False
        if pair is not self._pair:
            self._pair, self._address, self._sendto = pair, pair.remote_addr, pair.protocol.transport.sendto
        self._sendto(data, self._address)
        return True

    def _drop(self) -> None:
        self.counters.dropped_out += 1

    def _not_sent(self) -> bool:
        # It is the other leg that sends: its failure must not end the leg whose packet this is.
        self.counters.send_errors += 1
        if self.counters.send_errors == 1:
            log.warning("media.send_failed", exc_info=True)
        return False

    def contained(self, hook: Callable[[Any], object], value: object) -> None:
        """Call a hook and count what it raises: aiortc would end the connection."""
        try:
            hook(value)
        except Exception:
            self._hook_failed()

    def _hook_failed(self) -> None:
        self.counters.hook_errors += 1
        if self.counters.hook_errors == 1:
            log.exception("media.hook_failed")

    def abort(self) -> None:
        """Free sockets and tasks of a connection that does not close by itself."""
        for protocol in self._connection._protocols:
            protocol.transport.abort()
        self._connection._queue.put_nowait(None)
        for task in (self._dtls._task, self._connection._query_consent_task):
            if task is not None:
                task.cancel()

    async def settle(self) -> None:
        """Wait for aiortc's own tasks that were still connecting: closing ends them a moment later."""
        if self._connecting:
            _, late = await asyncio.wait(set(self._connecting), timeout=SETTLE_TIMEOUT_S)
            for task in late:
                task.cancel()

    def _on_connecting_ended(self, task: asyncio.Task[Any]) -> None:
        self._connecting.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.info("media.connect_failed", error=repr(task.exception()))

    def _take_packets(self) -> None:
        dtls, queue = self._dtls, self._connection._queue

        async def on_rtp(data: bytes, arrival_time_ms: int) -> None:  # noqa: ARG001
            self._buffer.view[: len(data)] = data
            self.contained(self._hooks.on_rtp, len(data))

        async def on_rtcp(data: bytes) -> None:
            self.contained(self._hooks.on_rtcp, data)

        def on_datagram(data: bytes, component: int) -> None:
            # An empty datagram, from anybody, would end aiortc's reader and with it the call.
            if data and queue.qsize() < MAX_WAITING_DATAGRAMS:
                queue.put_nowait((data, component))
            else:
                self.counters.dropped_in += 1

        dtls._handle_rtp_data = on_rtp  # type: ignore[method-assign]
        dtls._handle_rtcp_data = on_rtcp  # type: ignore[method-assign]
        self._connection.data_received = on_datagram  # type: ignore[method-assign]

    def _take_media(self, octets: int) -> bool | None:
        """Take what may be an encrypted RTP packet, in the buffer; None if it is to go aiortc's way.

        True if it was only passed on.

        That way go RTCP, and RTP as long as older datagrams wait there, such as the end of the handshake.
        """
        dtls = self._dtls
        if 192 <= self._buffer.view[1] <= 223 or dtls._rx_srtp is None:
            return None
        if dtls._rx_srtp is not self._rx_session:
            if not self._connection._queue.empty() or dtls._state is not State.CONNECTED:
                return None
            self._unprotect = self._buffer.unprotector(dtls._rx_srtp)
            self._rx_session = dtls._rx_srtp
        octets = self._unprotect(octets)
        if octets < 0:
            self.counters.dropped_in += 1
            return True
        try:
            return self._on_rtp(octets)
        except Exception:
            self._hook_failed()
            return False

    def _take_sockets(self) -> None:
        ice = self._dtls.transport
        start = ice.start

        async def on_start(remoteParameters: RTCIceParameters) -> None:
            task = asyncio.current_task()
            if task is not None and task not in self._connecting:
                self._connecting.add(task)
                task.add_done_callback(self._on_connecting_ended)
            await start(remoteParameters)

        async def on_gather(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:  # noqa: ARG001
            return await self._bind(component)

        ice.start = on_start  # type: ignore[method-assign]
        self._connection.query_consent = functools.partial(keep_consent, self._connection)  # type: ignore[method-assign]
        self._connection.get_component_candidates = on_gather  # type: ignore[method-assign]

    async def _bind(self, component: int) -> list[Candidate]:
        """Bind every address worth offering, in the port range; return the candidates as the answer names them."""
        connection = self._connection
        candidates: list[Candidate] = []
        for rank, address in enumerate(host_addresses(interfaces())):
            try:
                sock = bind_udp(address, self._ice)
            except OSError as error:
                log.debug("media.address_not_bound", address=address, error=repr(error))
                continue
            protocol = StunProtocol(connection)
            transport = UdpTransport(sock, protocol, self._buffer, self._take_media, self._drop)
            protocol.local_candidate = _candidate(component, address, transport.get_extra_info("sockname")[1], rank)
            connection._protocols.append(protocol)
            if connection._closing:
                # Closed while gathering: nobody else would close this socket.
                await protocol.close()
                break
            shown = announced(address, self._ice)
            candidates.append(_candidate(component, shown, protocol.local_candidate.port, rank))
        return candidates


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
