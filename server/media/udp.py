"""A UDP socket as aioice wants it, with a short way for media: read into one buffer, nothing queued either way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from .loop import forget, watch
from .srtp_seam import CAPACITY, PacketBuffer

MAX_PER_WAKE_UP = 32
MIN_RTP_BYTES = 12


class UdpTransport(asyncio.DatagramTransport):
    """Reads all that has arrived at each wake-up.

    What may be RTP (RFC 7983) is offered to `on_media`, in the buffer, by its length; it returns True for a packet
    only passed on, False for one that more came of. What it refuses (None), and everything else, goes to the
    protocol. A datagram that the system does not take at once is dropped and counted: media that waits is late, and
    STUN and DTLS repeat themselves.
    """

    def __init__(
        self,
        sock: socket.socket,
        protocol: asyncio.DatagramProtocol,
        buffer: PacketBuffer,
        on_media: Callable[[int], bool | None],
        on_drop: Callable[[], None],
    ) -> None:
        super().__init__({"socket": sock, "sockname": sock.getsockname()})
        self._sock: socket.socket = sock
        self._protocol = protocol
        self._buffer = buffer.inbound
        self._on_media = on_media
        self._on_drop = on_drop
        self._loop = asyncio.get_running_loop()
        self._closing = False
        protocol.connection_made(self)
        watch(self._loop, sock.fileno(), self._read)

    def sendto(self, data: bytes | bytearray | memoryview, addr: Any = None) -> None:
        """Send at once, or drop."""
        if self._closing:
            return
        try:
            self._sock.sendto(data, addr)
        except (BlockingIOError, InterruptedError):
            self._on_drop()
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
        quiet = True
        buffer, on_media, receive = self._buffer, self._on_media, self._sock.recvfrom_into
        for _ in range(MAX_PER_WAKE_UP):
            try:
                octets, address = receive(buffer)
            except (BlockingIOError, InterruptedError):
                return quiet
            except OSError as error:
                self._protocol.error_received(error)
                return False
            if octets >= MIN_RTP_BYTES and 128 <= buffer[0] < 192:
                passed_on = on_media(octets)
                if passed_on:
                    continue
                quiet = False
                if passed_on is not None:
                    continue
            quiet = False
            if octets < CAPACITY:
                self._protocol.datagram_received(bytes(buffer[:octets]), address)
            if self._closing:
                break
        return quiet
