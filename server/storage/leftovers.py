"""Servers that outlived the Escuta that started them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import structlog

from ..model.errors import DatabaseUnavailable

log = structlog.get_logger()

WAIT_S = 10.0


def end_leftovers(data: Path) -> None:
    """End every process that works in the cluster `data`: first politely, then not. Blocking.

    Call it only while holding the cluster's lock.

    Raises:
        DatabaseUnavailable: If one of them does not end.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        left = _processes(data)
        if not left:
            break
        log.warning("postgres.leftover_ended", processes=len(left), signal=number.name)
        for pid in left:
            # The postmaster ends its own, in the right order; those without one end by themselves.
            if number is signal.SIGKILL or pid == _postmaster(data):
                _signal(pid, number)
        deadline = time.monotonic() + WAIT_S
        while _processes(data) and time.monotonic() < deadline:
            time.sleep(0.05)
    if _processes(data):
        raise DatabaseUnavailable(f"A PostgreSQL left over on {data} does not end: end it, then start again.")
    # Nobody serves the cluster: the pid in here may by now be another program's, which would refuse the start.
    (data / "postmaster.pid").unlink(missing_ok=True)


def _processes(data: Path) -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _serves(entry, data)]


def _serves(process: Path, data: Path) -> bool:
    """A server and each of its processes work in their cluster's folder."""
    try:
        return os.readlink(process / "cwd") == str(data) and (process / "comm").read_text().strip() == "postgres"
    except OSError:
        return False


def _postmaster(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
