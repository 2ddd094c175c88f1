"""The only file, with `consent_seam.py`, that touches private names of aiortc and aioice.

aiortc does SDP, ICE and DTLS-SRTP. RTP and RTCP are taken from it as decrypted bytes, before its router, jitter
buffers, decoder threads, track queues and encoders, none of which ever start. `tests/media/test_aiortc_seam.py`
holds each name used here to what aiortc 1.16 and aioice 0.13 have.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import structlog
from aioice.candidate import Candidate
from aioice.ice import CandidatePair, Connection
from aiortc.rtcdtlstransport import RTCDtlsTransport, State
from aiortc.rtcicetransport import RTCIceParameters
from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

from .binding_seam import bind_candidates
from .consent_seam import keep_consent
from .ice import IceSettings
from .native import native
from .outlet import Outlet
from .srtp_seam import address_of, packet_buffer
from .wire_hooks import WireCounters, WireHooks

log = structlog.get_logger()

MAX_WAITING_DATAGRAMS = 2048
SETTLE_TIMEOUT_S = 1.0


class Wire:
    """The encrypted way to one browser, taken over from aiortc."""

    def __init__(self, dtls: RTCDtlsTransport, ice: IceSettings, hooks: WireHooks) -> None:
        self._counters = WireCounters()
        helper = native()
        self.inlet: Any = helper.ffi.new("struct inlet *") if helper is not None else None
        self._outlet = Outlet(helper) if helper is not None else None
        self._dtls = dtls
        self._connection: Connection = dtls.transport._connection
        self._ice = ice
        self._hooks = hooks
        self._on_rtp = hooks.on_rtp
        self._buffer = packet_buffer()
        self._rx_session: Any = self
        self._tx_session: Session | None = None
        self._pair: CandidatePair | None = None
        self._connecting: set[asyncio.Task[Any]] = set()
        self._take_packets()
        self._take_sockets()

    @property
    def connected(self) -> bool:
        """Packets can be sent."""
        return self._dtls._state is State.CONNECTED

    @property
    def counters(self) -> WireCounters:
        """What went wrong so far."""
        if self._outlet is not None:
            dropped, failed = self._outlet.faults()
            self._counters.dropped_in += self.inlet.refused
            self._counters.dropped_out += dropped
            self._counters.send_errors += failed
            self.inlet.refused = 0
        return self._counters

    @property
    def outlet(self) -> Any:
        """How the compiled helper sends here, if there is one."""
        return self._outlet.struct if self._outlet is not None else None

    def refresh_outlet(self) -> bool:
        """Tell the compiled helper how to send here; False if nothing can be sent."""
        pair, session = self._connection._nominated.get(1), self._dtls._tx_srtp
        if self._outlet is None or pair is None or session is None or not self.connected:
            self.close_outlet()
            return False
        return self._outlet.open(pair.protocol.transport, pair.remote_addr, session)

    def close_outlet(self) -> None:
        """Have the compiled helper send nothing more here."""
        if self._outlet is not None:
            self._outlet.close()

    def on_media(self, octets: int) -> bool | None:
        """Take what may be an encrypted RTP or RTCP packet, in the buffer; None if it is to go aiortc's way.

        True if it was only passed on. Aiortc's way they go as long as older datagrams wait there, such as the end of
        the handshake.
        """
        if self._dtls._rx_srtp is not self._rx_session and not self._take_session():
            return None
        if 192 <= self._buffer.view[1] <= 223:
            self._take_control(bytes(self._buffer.view[:octets]))
            return False
        octets = self._unprotect(octets)
        if octets < 0:
            self._counters.dropped_in += 1
            return True
        return self.on_decrypted(octets)

    def _take_session(self) -> bool:
        """Decrypt from here on; False while that is still aiortc's."""
        dtls = self._dtls
        if dtls._rx_srtp is None or dtls._state is not State.CONNECTED or not self._connection._queue.empty():
            return False
        self._unprotect = self._buffer.unprotector(dtls._rx_srtp)
        self._rx_session = dtls._rx_srtp
        if self.inlet is not None:
            self.inlet.srtp = address_of(self._rx_session)
        return True

    def _take_control(self, data: bytes) -> None:
        try:
            decrypted = self._rx_session.unprotect_rtcp(data)
        except (SrtpError, ValueError):
            self._counters.dropped_in += 1
            return
        self.contained(self._hooks.on_rtcp, decrypted)

    def on_decrypted(self, octets: int) -> bool:
        """Take a decrypted RTP packet in the buffer; True if it was only passed on."""
        try:
            return self._on_rtp(octets)
        except Exception:
            self._hook_failed()
            return False

    def on_drop(self) -> None:
        """Count a datagram that the system did not take."""
        self._counters.dropped_out += 1

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

    def _not_sent(self) -> bool:
        # It is the other leg that sends: its failure must not end the leg whose packet this is.
        self._counters.send_errors += 1
        if self._counters.send_errors == 1:
            log.warning("media.send_failed", exc_info=True)
        return False

    def contained(self, hook: Callable[[Any], object], value: object) -> None:
        """Call a hook and count what it raises: aiortc would end the connection."""
        try:
            hook(value)
        except Exception:
            self._hook_failed()

    def _hook_failed(self) -> None:
        self._counters.hook_errors += 1
        if self._counters.hook_errors == 1:
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
                self._counters.dropped_in += 1

        dtls._handle_rtp_data = on_rtp  # type: ignore[method-assign]
        dtls._handle_rtcp_data = on_rtcp  # type: ignore[method-assign]
        self._connection.data_received = on_datagram  # type: ignore[method-assign]

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
            return await bind_candidates(self._connection, component, self._ice, self)

        ice.start = on_start  # type: ignore[method-assign]
        self._connection.query_consent = functools.partial(keep_consent, self._connection)  # type: ignore[method-assign]
        self._connection.get_component_candidates = on_gather  # type: ignore[method-assign]
