"""Memory that stays out of the packets' way, and together."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from contextlib import suppress

from .native import native

GARBAGE_THRESHOLDS = (2_000, 10, 10)
M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3
LARGE_BYTES = 128 * 1024
COLLECT_EVERY_S = 60.0


def settle_memory() -> None:
    """Call it once everything is started that every consultation shares."""
    _spare_garbage_collection()
    _keep_memory_together()
    if native() is not None:
        asyncio.get_running_loop().call_later(COLLECT_EVERY_S, _collect_again)


def _spare_garbage_collection() -> None:
    """Leave what every consultation shares out of garbage collection: walking it all takes as long as five packets.

    What comes later is collected as ever, its young part less often than by default: packets make no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def _collect_again() -> None:
    """Collect all that lived since the start: connections that ended hold themselves, by cycles of aiortc's.

    The interpreter would wait until there are many. It stands still for some hundredths of a second, which media with
    a thread of its own does not notice; without one it is left to the interpreter.
    """
    gc.collect()
    asyncio.get_running_loop().call_later(COLLECT_EVERY_S, _collect_again)


def _keep_memory_together() -> None:
    """Have all threads share glibc's heap: each that comes and goes would leave one of its own, half empty, behind.

    What is large, such as a ring of sent packets, goes back to the system when it is freed, whatever came after it.
    """
    with suppress(OSError, AttributeError):
        allocator = ctypes.CDLL(None)
        allocator.mallopt(M_ARENA_MAX, 1)
        allocator.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
