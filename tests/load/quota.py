"""A share of a core for a process, by a control group: the way to have several slow cores on a machine with few."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

VERSION_1 = Path("/sys/fs/cgroup/cpu")
VERSION_2 = Path("/sys/fs/cgroup")
PERIOD_US = 50_000
MOST_SHARES, MOST_WEIGHT = 262_144, 10_000


@contextmanager
def limited(pids: Iterable[int], percent: float) -> Iterator[None]:
    """Give each process `percent` of a core and no more, whatever else runs here. Needs root."""
    with ExitStack() as stack:
        for pid in pids:
            stack.enter_context(_one(pid, percent))
        yield


@contextmanager
def _one(pid: int, percent: float) -> Iterator[None]:
    old = (VERSION_1 / "cpu.cfs_quota_us").exists() or (VERSION_1 / "cgroup.procs").exists()
    root = VERSION_1 if old else VERSION_2
    group = root / f"escuta-load-{pid}"
    group.mkdir()
    quota_us = round(PERIOD_US * percent / 100)
    try:
        if old:
            (group / "cpu.shares").write_text(str(MOST_SHARES))
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota_us))
        else:
            (root / "cgroup.subtree_control").write_text("+cpu")
            (group / "cpu.weight").write_text(str(MOST_WEIGHT))
            (group / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for left in (group / "cgroup.procs").read_text().split():
            (root / "cgroup.procs").write_text(left)
        os.rmdir(group)
