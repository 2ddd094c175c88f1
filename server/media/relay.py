"""The helper's thread: it reads media sockets by itself and leaves to Python what only Python can do.

What is left lies in a tray, in the order it came; two trays take turns.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from ..model.audio import OpusPacket
from ..model.errors import Unavailable
from .latency import Latencies
from .native import Native
from .srtp_seam import packet_buffer

log = structlog.get_logger()

RAW, DECRYPTED, HEARD, FAILED, PASSED = 1, 2, 3, 4, 5
TRAY_BYTES = 4_194_304

_LEFT = struct.Struct("=iiiiQdi28s")
_HEARD = struct.Struct("=iiiiQdiIIHB")


@dataclass(frozen=True, slots=True)
class Left:
    """A datagram left to Python, in `packet_buffer()`: RAW as it came, DECRYPTED, or FAILED with `error` instead."""

    kind: int
    octets: int
    error: int
    address: bytes

    def sender(self) -> tuple[str, int]:
        """Return who sent it."""
        raw, port = self.address, int.from_bytes(self.address[2:4], "big")
        if int.from_bytes(raw[:2], sys.byteorder) == socket.AF_INET6:
            return socket.inet_ntop(socket.AF_INET6, raw[8:24]), port
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), port


Take = Callable[[int, Left], None]
"""Takes what is left of the socket with that descriptor; what it raises is counted and goes no further."""


class Relay:
    """Some sockets that the helper reads: its thread, once started, or whoever calls `drain`."""

    def __init__(self, helper: Native) -> None:
        self._helper = helper
        self._library = helper.library
        ffi = helper.ffi
        self.struct: Any = ffi.new("struct relay *")
        allocate = ffi.new_allocator(should_clear_after_alloc=False)
        self._trays = [allocate("uint8_t[]", TRAY_BYTES) for _ in range(2)]
        self._views = [memoryview(ffi.buffer(tray)).cast("B") for tray in self._trays]
        self._full = 0
        self._buffer = packet_buffer().view
        self._taking = False
        self.started = False
        self.errors = 0
        self.struct.tray = self._trays[0]
        self.struct.protect, self.struct.unprotect = helper.protect, helper.unprotect
        if self._library.relay_open(self.struct) < 0:
            raise Unavailable(f"Media cannot wait for sockets: {os.strerror(ffi.errno)}; allow more open files.")
        # The thread must not outlive what it writes to, whoever forgets to close.
        self._end = weakref.finalize(self, self._library.relay_close, self.struct)

    @property
    def event_fd(self) -> int:
        """What becomes readable when something is left."""
        return int(self.struct.event_fd)

    def start(self) -> None:
        """Have a thread read from now on.

        Raises:
            Unavailable: If the system allows no more threads.
        """
        if self._library.relay_start(self.struct) < 0:
            why = os.strerror(self._helper.ffi.errno)
            raise Unavailable(f"Media cannot have a thread of its own: {why}; allow more processes.")
        self.started = True
        self._helper.threaded.add(self)

    def close(self) -> None:
        """End the thread."""
        self._end()
        self.started = False
        self._helper.threaded.discard(self)

    def watch(self, fd: int, inlet: object) -> None:
        """Read from a socket.

        Raises:
            Unavailable: If the system lets us wait for no more of them.
        """
        if self._library.relay_watch(self.struct, fd, inlet) < 0:
            why = os.strerror(self._helper.ffi.errno)
            raise Unavailable(f"Media cannot wait for a socket: {why}; allow more by fs.epoll.max_user_watches.")

    def forget(self, fd: int) -> None:
        """Read from it no more; nothing is being read when this returns."""
        self._library.relay_forget(self.struct, fd)

    def drain(self, inlet: object, fd: int) -> None:
        """Read what has arrived at a socket, here and now."""
        self._library.relay_drain(self.struct, inlet, fd)

    def take(self, take: Take) -> None:
        """Tell sound to whoever hears it and hand everything else to `take`; inside of that it does nothing."""
        if self._taking:
            return
        self._taking = True
        try:
            # Their last sound may lie in the tray of a relay with a thread; without one none lies anywhere by now.
            ending = self._helper.take_ending() if self.started or not self._helper.threaded else []
            full, self._full = self._full, 1 - self._full
            octets = self._library.relay_take(self.struct, self._trays[self._full])
            self._hand_over(self._views[full], octets, take)
            self.struct.position = octets
            self._helper.forget(ending)
        finally:
            self._taking = False

    def latencies(self) -> Latencies:
        """Return what this relay's packets took, those that Python sent on included."""
        return Latencies(list(self.struct.latencies), float(self.struct.latency_sum_s))

    def _hand_over(self, tray: memoryview, octets: int, take: Take) -> None:
        position, tell = 0, self._helper.tell
        while position < octets:
            kind, _, length, start, lane, at_s, _, ssrc, timestamp, number, marker = _HEARD.unpack_from(tray, position)
            body = position + _LEFT.size
            if kind == HEARD:
                payload = bytes(tray[body + start : body + length])
                ago_s = time.monotonic() - at_s
                tell(lane, OpusPacket(ssrc, number, timestamp, payload, ago_s, marker == 1))
                position = body + (length + 7 & ~7)
                continue
            kind, fd, length, start, lane, at_s, address_octets, address = _LEFT.unpack_from(tray, position)
            begin, position = position, body + (length + 7 & ~7)
            if kind == PASSED:
                continue
            self._library.relay_next(self.struct, begin, position)
            self._buffer[:length] = tray[body : body + length]
            try:
                take(fd, Left(kind, length, start, address[:address_octets]))
            except Exception:
                self.errors += 1
                if self.errors == 1:
                    log.exception("media.reader_failed")
            if kind == DECRYPTED:
                self._library.relay_note_late(self.struct, at_s)


class _OfThisThread(threading.local):
    relay: Relay | None = None


_relays = _OfThisThread()


def own_relay(helper: Native) -> Relay:
    """Return the relay that this thread of Python drains itself."""
    if _relays.relay is None:
        _relays.relay = Relay(helper)
    return _relays.relay


def settle_own() -> None:
    """Let go of those who heard of what this thread drained and hear no more."""
    if _relays.relay is not None:
        _relays.relay.take(_nobody)


def _nobody(fd: int, left: Left) -> None:
    del fd, left
