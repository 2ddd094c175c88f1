"""The only file that touches private names of pylibsrtp: SRTP in place, in one buffer, without copies.

`tests/media/test_srtp_seam.py` holds each name used here to what pylibsrtp 1.0 has.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pylibsrtp import SRTP_MAX_TRAILER_LEN, Session
from pylibsrtp._binding import ffi, lib

CAPACITY = 2048
"""Bytes a datagram may have: more than any path of the internet lets through."""


class PacketBuffer:
    """Room for one datagram at a time, which a packet never leaves on its way from socket to socket."""

    def __init__(self) -> None:
        self._memory = ffi.new("unsigned char[]", CAPACITY + SRTP_MAX_TRAILER_LEN)
        self._length = ffi.new("int *")
        self.view = memoryview(ffi.buffer(self._memory)).cast("B")
        self.inbound = self.view[:CAPACITY]

    def unprotector(self, session: Session) -> Callable[[int], int]:
        """Return what decrypts the RTP packet of that length; it returns the length left, -1 if it is not genuine."""
        return self._processor(session, lib.srtp_unprotect)

    def protector(self, session: Session) -> Callable[[int], int]:
        """Return what encrypts the RTP packet of that length; it returns the new length, -1 if that failed."""
        return self._processor(session, lib.srtp_protect)

    def _processor(self, session: Session, function: Callable[[object, object, object], int]) -> Callable[[int], int]:
        memory, length = self._memory, self._length
        handle = session._srtp

        def process(octets: int) -> int:
            # `handle`, not its content, is kept: what it points to is freed with it.
            length[0] = octets
            return -1 if function(handle[0], memory, length) else length[0]

        return process


class _OfThisThread(threading.local):
    def __init__(self) -> None:
        self.buffer = PacketBuffer()


_buffers = _OfThisThread()


def packet_buffer() -> PacketBuffer:
    """Return this thread's buffer. Whoever fills it is done with it before yielding to the event loop."""
    return _buffers.buffer
