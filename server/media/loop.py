"""An event loop that hands media sockets to their readers straight from waiting, without a handle and a round for each.

`asyncio` takes any selector. This one waits for media sockets and, as one more, for the ordinary selector of all
else. A loop without it works too: then the readers are asyncio's.
"""

from __future__ import annotations

import asyncio
import math
import select
import selectors
import time
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import structlog

log = structlog.get_logger()

Reader = Callable[[], bool]
"""Reads what has arrived; True if nothing but packets passed on came of it: then no callback waits for the loop."""

FileObject = Any
"""A descriptor, or what has one."""

MAX_EVENTS = 64


class DirectSelector(selectors.BaseSelector):
    """Calls readers of media sockets inside `select`; what they raise is counted and goes no further."""

    def __init__(self) -> None:
        self.reader_errors = 0
        self._others = selectors.EpollSelector()
        self._others_fd = self._others.fileno()
        self._all = select.epoll()
        self._all.register(self._others_fd, select.EPOLLIN)
        self._readers: dict[int, Reader] = {}

    def watch(self, fd: int, reader: Reader) -> None:
        """Call `reader` whenever something has arrived."""
        self._all.register(fd, select.EPOLLIN)
        self._readers[fd] = reader

    def forget(self, fd: int) -> None:
        """Call its reader no more."""
        if self._readers.pop(fd, None) is not None:
            self._all.unregister(fd)

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
            if reader is None:
                quiet = False
                continue
            try:
                quiet = reader() and quiet
            except Exception:
                quiet = False
                self.reader_errors += 1
                if self.reader_errors == 1:
                    log.exception("media.reader_failed")
        return quiet

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
        """Give the descriptors back."""
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


def watch(loop: asyncio.AbstractEventLoop, fd: int, reader: Reader) -> None:
    """Call `reader` whenever something has arrived."""
    selector = _selectors.get(loop)
    if selector is None:
        loop.add_reader(fd, reader)
    else:
        selector.watch(fd, reader)


def forget(loop: asyncio.AbstractEventLoop, fd: int) -> None:
    """Call its reader no more."""
    selector = _selectors.get(loop)
    if selector is None:
        loop.remove_reader(fd)
    else:
        selector.forget(fd)
