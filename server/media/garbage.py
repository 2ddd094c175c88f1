"""Garbage collection that stays out of the packets' way."""

from __future__ import annotations

import gc

THRESHOLDS = (2_000, 10, 10)


def spare_garbage_collection() -> None:
    """Leave what every consultation shares out of garbage collection: walking it all takes as long as five packets.

    What comes later is collected as ever, its young part less often than by default: packets make no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
