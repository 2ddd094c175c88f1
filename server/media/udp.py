"""A UDP socket as aioice wants it, with a short way for media: read into one buffer, nothing queued either way."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Protocol

from .loop import forget, watch
from .native import DECRYPTED, FAILED, NOTHING, RAW, native
from .srtp_seam import CAPACITY, packet_buffer

MAX_PER_WAKE_UP = 32
MIN_RTP_BYTES = 12


class Owner(Protocol):
    """Whose datagrams these are. `inlet` is the compiled helper's, if there is one."""

    inlet: Any

    def on_media(self, octets: int) -> bool | None:
        """Take what may be RTP, in the buffer; None if it is to go to the protocol, True if it was only passed on."""

    def on_decrypted(self, octets: int) -> bool:
        """Take decrypted RTP in the buffer; True if it was only passed on."""

    def on_drop(self) -> None:
        """Note that the system did not take a datagram."""

    def close_outlet(self) -> None:
        """Note that a descriptor is no longer ours."""


class UdpTransport(asyncio.DatagramTransport):
    """Reads all that has arrived at each wake-up.

    What may be RTP (RFC 7983) goes to the owner, everything else to the protocol. A datagram that the system does
    not take at once is dropped and counted: media that waits is late, and STUN and DTLS repeat themselves.
    """

    def __init__(self, sock: socket.socket, protocol: asyncio.DatagramProtocol, owner: Owner) -> None:
        super().__init__({"socket": sock, "sockname": sock.getsockname()})
        self._sock = sock
        self._protocol = protocol
        self._owner = owner
        self._buffer = packet_buffer().inbound
        self._native = native() if owner.inlet is not None else None
        self._loop = asyncio.get_running_loop()
        self._closing = False
        protocol.connection_made(self)
        watch(self._loop, sock.fileno(), self._read if self._native is None else self._read_natively, self._owner.inlet)

    def sendto(self, data: bytes | bytearray | memoryview, addr: Any = None) -> None:
        """Send at once, or drop."""
        if self._closing:
            return
        try:
            self._sock.sendto(data, addr)
        except (BlockingIOError, InterruptedError):
            self._owner.on_drop()
        except OSError as error:
            self._protocol.error_received(error)

    def get_write_buffer_size(self) -> int:
        """Return 0: nothing waits here."""
        return 0

    def is_closing(self) -> bool:
        """Tell whether it was closed."""
        return self._closing

    def close(self) -> None:
        """Read and send no more; the protocol hears of it a moment later."""
        if not self._closing:
            self._closing = True
            self._owner.close_outlet()
            forget(self._loop, self._sock.fileno())
            self._loop.call_soon(self._end)

    def abort(self) -> None:
        """Close."""
        self.close()

    def _end(self) -> None:
        self._sock.close()
        self._protocol.connection_lost(None)

    def _read(self) -> bool:
        """Read what has arrived; True if it was media that was only passed on."""
        quiet, receive = True, self._sock.recvfrom_into
        for _ in range(MAX_PER_WAKE_UP):
            try:
                octets, address = receive(self._buffer)
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                self._protocol.error_received(error)
                return False
            quiet = self._take(octets, address) and quiet
            if self._closing:
                break
        return quiet

    def _take(self, octets: int, address: Any) -> bool:
        buffer = self._buffer
        if octets >= MIN_RTP_BYTES and 128 <= buffer[0] < 192:
            passed_on = self._owner.on_media(octets)
            if passed_on is not None:
                return passed_on
        if octets < CAPACITY:
            self._protocol.datagram_received(bytes(buffer[:octets]), address)
        return False

    def _read_natively(self, found: int | None = None) -> bool:
        """Do the same with the compiled helper, which returns where Python has to look; it may have `found` that."""
        assert self._native is not None  # noqa: S101 - or this would not be the reader
        helper, owner, quiet = self._native, self._owner, True
        relay, drain, fd = helper.relay, helper.library.relay_drain, self._sock.fileno()
        for _ in range(MAX_PER_WAKE_UP):
            if found is None:
                found = drain(relay, owner.inlet, fd)
            if relay.heard_count:
                quiet = False
                helper.tell_heard()
            if found == NOTHING:
                break
            if found == DECRYPTED:
                quiet = owner.on_decrypted(relay.octets) and quiet
            elif found == RAW:
                quiet = self._take(relay.octets, helper.sender()) and quiet
            elif found == FAILED:
                self._protocol.error_received(OSError(relay.error, "receive failed"))
                return False
            if self._closing:
                break
            found = None
        return quiet
