"""A UDP socket as aioice wants it, with a short way for media: read into one buffer, nothing queued either way."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, Protocol

from .latency import in_python
from .loop import Helped, forget, watch
from .native import gate, native
from .relay import DECRYPTED, FAILED, Left, Relay, own_relay
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
        self._relay: Relay | None = None
        self._loop = asyncio.get_running_loop()
        self._closing = False
        protocol.connection_made(self)
        helper, helped, reader = native(), None, self._read
        if helper is not None and owner.inlet is not None:
            # A loop that does not know the helper's thread lets this one do its work.
            self._relay, reader = own_relay(helper), self._read_natively
            helped = Helped(owner.inlet, self._take_left)
        watch(self._loop, sock.fileno(), reader, helped)

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
            with gate():
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
            with gate():
                passed_on = self._owner.on_media(octets)
            if passed_on is not None:
                if passed_on and self._relay is None:
                    in_python.sample(self._sock.fileno())
                return passed_on
        if octets < CAPACITY:
            self._protocol.datagram_received(bytes(buffer[:octets]), address)
        return False

    def _read_natively(self) -> bool:
        """Do the same with the compiled helper."""
        assert self._relay is not None  # noqa: S101 - or this would not be the reader
        self._relay.drain(self._owner.inlet, self._sock.fileno())
        self._relay.take(lambda _, left: self._take_left(left))
        return False

    def _take_left(self, left: Left) -> None:
        if self._closing:
            return
        if left.kind == DECRYPTED:
            with gate():
                self._owner.on_decrypted(left.octets)
        elif left.kind == FAILED:
            self._protocol.error_received(OSError(left.error, "receive failed"))
        else:
            self._take(left.octets, left.sender())
