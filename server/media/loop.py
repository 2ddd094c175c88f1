"""An event loop that hands media sockets to their readers straight from waiting, without a handle and a round for each.

`asyncio` takes any selector. This one waits for media sockets, or with the compiled helper for what its thread leaves
of them, and, as one more, for the ordinary selector of all else. A loop without it works too: then the readers are
asyncio's.
"""

from __future__ import annotations

import asyncio
import math
import select
import selectors
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import structlog

from .latency import Latencies, in_python
from .native import DESCRIPTORS, Native, native
from .relay import Left, Relay, settle_own

log = structlog.get_logger()

Reader = Callable[[], bool]
"""Reads what has arrived; True if nothing but packets passed on came of it: then no callback waits for the loop."""

FileObject = Any
"""A descriptor, or what has one."""

MAX_EVENTS = 64


@dataclass(frozen=True, slots=True)
class Helped:
    """How a socket is read with the compiled helper: its struct of the socket's, and who takes what it leaves."""

    inlet: object
    take: Callable[[Left], object]


class DirectSelector(selectors.BaseSelector):
    """Calls readers of media sockets inside `select`; what they raise is counted and goes no further."""

    def __init__(self) -> None:
        self.reader_errors = 0
        self._others = selectors.EpollSelector()
        self._others_fd = self._others.fileno()
        self._all = select.epoll()
        self._all.register(self._others_fd, select.EPOLLIN)
        self._readers: dict[int, Reader] = {}
        self._takers: dict[int, Callable[[Left], object]] = {}
        self.relay: Relay | None = None

    def watch(self, fd: int, reader: Reader, helped: Helped | None = None) -> None:
        """Call `reader` whenever something has arrived, or let the compiled helper read and leave what it may not do.

        Raises:
            Unavailable: If the helper cannot start its thread, or cannot wait for the socket.
        """
        helper = native()
        if helper is None or helped is None or fd >= DESCRIPTORS:
            self._all.register(fd, select.EPOLLIN)
            self._readers[fd] = reader
            return
        if self.relay is None:
            self.relay = self._start(helper)
        self.relay.watch(fd, helped.inlet)
        self._takers[fd] = helped.take

    def forget(self, fd: int) -> None:
        """Call its reader no more."""
        if self._readers.pop(fd, None) is not None:
            self._all.unregister(fd)
        if self._takers.pop(fd, None) is not None and self.relay is not None:
            self.relay.forget(fd)

    def flush(self) -> None:
        """Take what the helper has left until now."""
        if self.relay is not None:
            self.relay.take(self._take)

    def _start(self, helper: Native) -> Relay:
        relay = Relay(helper)
        try:
            relay.start()
        except BaseException:
            relay.close()
            raise
        event_fd = relay.event_fd
        self._readers[event_fd] = self._flush_some
        self._all.register(event_fd, select.EPOLLIN)
        return relay

    def _flush_some(self) -> bool:
        self.flush()
        return False

    def _take(self, fd: int, left: Left) -> None:
        take = self._takers.get(fd)
        if take is not None:
            take(left)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what other sockets are ready for; read the media sockets meanwhile."""
        until_s = None if timeout is None else time.monotonic() + timeout
        left_s = timeout
        while True:
            # Rounded up, as the standard library does: waking too early would mean waking twice.
            wait_s = -1.0 if left_s is None else math.ceil(left_s * 1e3) * 1e-3 if left_s > 0 else 0.0
            try:
                ready = self._all.poll(wait_s, MAX_EVENTS)
            except InterruptedError:
                return []
            if not self._read(ready):
                return self._others.select(0)
            if until_s is not None:
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    return []

    def _read(self, ready: list[tuple[int, int]]) -> bool:
        """Read from the sockets that are ready; True if waiting may go on."""
        quiet = bool(ready)
        for fd, _ in ready:
            reader = self._readers.get(fd)
            quiet = reader is not None and self._call(reader) and quiet
        return quiet

    def _call(self, reader: Reader) -> bool:
        try:
            return reader()
        except Exception:
            self.reader_errors += 1
            if self.reader_errors == 1:
                log.exception("media.reader_failed")
            return False

    def register(self, fileobj: FileObject, events: int, data: object = None) -> selectors.SelectorKey:
        """Wait for another socket."""
        return self._others.register(fileobj, events, data)

    def unregister(self, fileobj: FileObject) -> selectors.SelectorKey:
        """Wait for another socket no more."""
        return self._others.unregister(fileobj)

    def modify(self, fileobj: FileObject, events: int, data: object = None) -> selectors.SelectorKey:
        """Wait for something else of another socket."""
        return self._others.modify(fileobj, events, data)

    def get_map(self) -> Mapping[FileObject, selectors.SelectorKey]:
        """Return the other sockets."""
        return self._others.get_map()

    def close(self) -> None:
        """End the helper's thread and give the descriptors back."""
        if self.relay is not None:
            self.relay.close()
        self._all.close()
        self._others.close()


_selectors: WeakKeyDictionary[asyncio.AbstractEventLoop, DirectSelector] = WeakKeyDictionary()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a loop with the short way for media where the system has epoll, else the usual one."""
    if not hasattr(select, "epoll"):
        return asyncio.new_event_loop()
    selector = DirectSelector()
    loop = asyncio.SelectorEventLoop(selector)
    _selectors[loop] = selector
    return loop


def watch(loop: asyncio.AbstractEventLoop, fd: int, reader: Reader, helped: Helped | None = None) -> None:
    """Call `reader` whenever something has arrived, or let the compiled helper read and leave what it may not do."""
    selector = _selectors.get(loop)
    if selector is None:
        loop.add_reader(fd, reader)
    else:
        selector.watch(fd, reader, helped)


def forget(loop: asyncio.AbstractEventLoop, fd: int) -> None:
    """Call its reader no more."""
    selector = _selectors.get(loop)
    if selector is None:
        loop.remove_reader(fd)
    else:
        selector.forget(fd)


def flush(loop: asyncio.AbstractEventLoop) -> None:
    """Have everybody told of sound that came until now."""
    selector = _selectors.get(loop)
    if selector is not None:
        selector.flush()
    settle_own()


def latencies(loop: asyncio.AbstractEventLoop) -> Latencies:
    """Return what the loop's packets took."""
    selector = _selectors.get(loop)
    relay = selector.relay if selector is not None else None
    return relay.latencies() if relay is not None else in_python


def reader_errors(loop: asyncio.AbstractEventLoop) -> int:
    """Return how often a reader raised."""
    selector = _selectors.get(loop)
    if selector is None:
        return 0
    return selector.reader_errors + (selector.relay.errors if selector.relay is not None else 0)
