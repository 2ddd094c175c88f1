"""The compiled helper: the usual packet's way in C, where a compiler was there to build it; everything works without.

`python -m server.media.native` builds it. It holds no truth of its own: `Lane` opens a `NativeLane` for the packets
it would take itself, and takes back what was counted before anybody looks.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from cffi import FFI

from .layout import Layout
from .srtp_seam import PacketBuffer, function_addresses, packet_buffer

log = structlog.get_logger()

HEADER = Path(__file__).with_name("relay.h")
SOURCE = Path(__file__).with_name("relay.c")
NOTHING, RAW, DECRYPTED, HEARD, FAILED, OTHERS = range(6)
SLOT, LAYOUTS, BLOCK, DESCRIPTORS = 1504, 4, 64, 4096

Hear = Callable[[bytes, int, float], None]
"""Takes an audio packet as it came, where its payload begins, and its arrival by `time.monotonic()`."""


def library_path() -> Path:
    """Return where the built helper lies; another source means another name."""
    digest = hashlib.sha256(HEADER.read_bytes() + SOURCE.read_bytes()).hexdigest()[:12]
    return SOURCE.with_name(f"relay-{sys.platform}-{os.uname().machine}-{digest}.so")


def build() -> Path | None:
    """Build the helper and return it; None where no C compiler is.

    Raises:
        CalledProcessError: If the compiler fails.
    """
    compiler, path = shutil.which("cc"), library_path()
    if not path.exists() and (compiler is None or not sys.platform.startswith("linux")):
        return None
    if not path.exists() and compiler is not None:
        draft = path.with_suffix(f".{os.getpid()}")
        command = [compiler, "-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-o", str(draft), str(SOURCE)]
        subprocess.run(command, check=True)  # noqa: S603 - the compiler that the PATH names, and our own source
        draft.replace(path)
    return path


class Native:
    """The loaded helper, and the relay of this thread."""

    def __init__(self, path: Path) -> None:
        self.ffi = FFI()
        self.ffi.cdef(HEADER.read_text())
        self.library: Any = self.ffi.dlopen(str(path))
        self.relay: Any = self.ffi.new("struct relay *")
        self._buffer: PacketBuffer = packet_buffer()
        self.relay.packet = self.ffi.cast("uint8_t *", self._buffer.address)
        self.relay.protect, self.relay.unprotect = function_addresses()
        self.hear_errors = 0
        self._hears: dict[int, Hear] = {}
        self._numbers = itertools.count(1)

    def hear(self, hear: Hear) -> int:
        """Return a number under which a lane's sound reaches `hear`."""
        number = next(self._numbers)
        self._hears[number] = hear
        return number

    def end_hearing(self, number: int) -> None:
        """Tell what came until now, and no more."""
        self.tell_heard()
        self._hears.pop(number, None)

    def tell_heard(self) -> None:
        """Tell what sound came since the last time."""
        relay = self.relay
        count, relay.heard_count = relay.heard_count, 0
        for i in range(count):
            heard = relay.heard[i]
            try:
                hear = self._hears.get(heard.lane)
                if hear is not None:
                    hear(self.ffi.buffer(heard.packet, heard.octets)[:], heard.start, heard.at_s)
            except Exception:
                self.hear_errors += 1
                if self.hear_errors == 1:
                    log.exception("media.hear_failed")

    def sender(self) -> tuple[str, int]:
        """Return who sent what was read last."""
        raw = bytes(self.ffi.buffer(self.relay.address))
        port = int.from_bytes(raw[2:4], "big")
        if int.from_bytes(raw[:2], sys.byteorder) == socket.AF_INET6:
            return socket.inet_ntop(socket.AF_INET6, raw[8:24]), port
        return socket.inet_ntop(socket.AF_INET, raw[4:8]), port

    def write_address(self, outlet: Any, family: int, address: tuple[str, int]) -> None:
        """Have an outlet send to `address`."""
        packed = socket.inet_pton(family, address[0])
        head = family.to_bytes(2, sys.byteorder) + address[1].to_bytes(2, "big")
        raw = head + packed + bytes(8) if family == socket.AF_INET else head + bytes(4) + packed + bytes(4)
        outlet.address[0 : len(raw)] = raw
        outlet.address_octets = len(raw)

    def write_layouts(self, lane: Any, layouts: list[Layout]) -> None:
        """Tell a lane how extension blocks may look."""
        for i, layout in enumerate(layouts[-LAYOUTS:]):
            octets = layout.start - 12
            if octets > BLOCK:
                continue
            lane.layouts[i].same = layout.same
            for name in ("mask", "expected", "keep", "fixed"):
                getattr(lane.layouts[i], name)[0:octets] = getattr(layout, name).to_bytes(octets, "big")
            lane.layouts[i].octets = octets


class NativeRing:
    """The packets last sent, where the helper writes them too."""

    def __init__(self, helper: Native) -> None:
        self.struct = helper.ffi.new("struct ring *")
        self._packets = memoryview(helper.ffi.buffer(self.struct.packets)).cast("B")

    def put(self, slot: int, data: bytes) -> None:
        """Keep a packet; one too long for a slot is not kept."""
        octets = len(data) if len(data) <= SLOT else 0
        self.struct.octets[slot] = octets
        self._packets[slot * SLOT : slot * SLOT + octets] = data[:octets]

    def get(self, slot: int) -> bytes:
        """Return what a slot holds, maybe nothing."""
        return bytes(self._packets[slot * SLOT : slot * SLOT + self.struct.octets[slot]])


class _OfThisThread(threading.local):
    def __init__(self) -> None:
        path = library_path()
        self.native = Native(path) if path.exists() else None


_helpers = _OfThisThread()


def native() -> Native | None:
    """Return this thread's helper if one was built."""
    return _helpers.native


def do_without() -> None:
    """Have this thread go through Python alone from now on."""
    _helpers.native = None


if __name__ == "__main__":
    built = build()
    print("No C compiler (cc): media goes through Python alone." if built is None else f"Media uses {built.name}.")  # noqa: T201
