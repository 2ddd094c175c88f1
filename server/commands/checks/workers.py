"""How many media processes there are for the cores."""

from __future__ import annotations

import os

from ...settings import Settings
from .finding import Finding, ok, warn

MANY_CORES = 4
"""With fewer, one media process and the speech model fill the machine."""


async def check(settings: Settings) -> Finding:
    """Tell whether the workers suit the cores this process may use; a core is left to speech recognition."""
    cores = len(os.sched_getaffinity(0))
    sentence = f"{settings.workers} media process{'es' if settings.workers > 1 else ''} on {cores} core(s)"
    if settings.workers > cores:
        return warn(f"{sentence}: they take turns; set WORKERS to {max(1, cores - 1)}.")
    if settings.workers == 1 and cores >= MANY_CORES:
        return ok(f"{sentence}: for more calls than a core carries, set WORKERS up to {cores - 1}.")
    return ok(f"{sentence}.")
