"""The compiled helper: the usual packet's way in C, where a compiler was there to build it; everything works without.

`python -m server.media.native` builds it. It holds no truth of its own: `Lane` opens a `NativeLane` for the packets
it would take itself, and takes back what was counted before anybody looks. Whoever looks, or changes what the helper
goes by, is inside `gate()`: its thread waits meanwhile.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from weakref import WeakSet

import structlog
from cffi import FFI

from ..model.audio import OpusPacket
from .layout import Layout
from .srtp_seam import function_addresses

log = structlog.get_logger()

HEADER = Path(__file__).with_name("relay.h")
SOURCE = Path(__file__).with_name("relay.c")
SLOT, LAYOUTS, BLOCK, DESCRIPTORS = 1504, 4, 64, 4096

Hear = Callable[[OpusPacket], None]
"""Takes an audio packet whose `arrival_s` says how long ago it came."""


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
        flags = ("-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-pthread", "-shared")
        command = [compiler, *flags, "-o", str(draft), str(SOURCE)]
        subprocess.run(command, check=True)  # noqa: S603 - the compiler that the PATH names, and our own source
        draft.replace(path)
    return path


class Gate:
    """Keeps the helper's thread waiting; may be entered again inside.

    Entering does not let other threads of Python run unless it has to wait: media would wait for them too.
    """

    def __init__(self, path: Path) -> None:
        quick, patient = ctypes.PyDLL(str(path)), ctypes.CDLL(str(path))
        self._try_enter, self._enter, self._leave = quick.relay_try_enter, patient.relay_enter, quick.relay_leave

    def __enter__(self) -> None:
        if self._try_enter():
            self._enter()

    def __exit__(self, *_: object) -> None:
        self._leave()


class Native:
    """The loaded helper, for one thread of Python."""

    def __init__(self, path: Path) -> None:
        self.ffi = FFI()
        self.ffi.cdef(HEADER.read_text())
        self.library: Any = self.ffi.dlopen(str(path))
        self.gate = Gate(path)
        self.protect, self.unprotect = function_addresses()
        self.threaded: WeakSet[Any] = WeakSet()  # relays that have a thread
        self.hear_errors = 0
        self._hears: dict[int, Hear] = {}
        self._ending: list[int] = []
        self._numbers = itertools.count(1)

    def hear(self, hear: Hear) -> int:
        """Return a number under which a lane's sound reaches `hear`."""
        number = next(self._numbers)
        self._hears[number] = hear
        return number

    def end_hearing(self, number: int) -> None:
        """Tell what came until now, when it is taken, and no more."""
        if number:
            self._ending.append(number)

    def take_ending(self) -> list[int]:
        """Return, once, the numbers under which nothing more comes than has been left by now."""
        ending, self._ending = self._ending, []
        return ending

    def forget(self, numbers: list[int]) -> None:
        """Tell nobody under these numbers any more."""
        for number in numbers:
            self._hears.pop(number, None)

    def tell(self, number: int, packet: OpusPacket) -> None:
        """Tell whoever hears under `number` of a packet; what that raises is counted and goes no further."""
        try:
            hear = self._hears.get(number)
            if hear is not None:
                hear(packet)
        except Exception:
            self.hear_errors += 1
            if self.hear_errors == 1:
                log.exception("media.hear_failed")

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


def gate() -> AbstractContextManager[None]:
    """Return what keeps the helper's thread waiting inside a `with`; nothing without a helper."""
    helper = _helpers.native
    return nullcontext() if helper is None else helper.gate


def do_without() -> None:
    """Have this thread go through Python alone from now on."""
    _helpers.native = None


if __name__ == "__main__":
    built = build()
    print("No C compiler (cc): media goes through Python alone." if built is None else f"Media uses {built.name}.")  # noqa: T201
