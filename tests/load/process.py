"""What the kernel says of a process: processor time, memory, and who listens on a port."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> tuple[float, float]:
    """Return (user, system) seconds of all threads; of a process that is gone, nothing."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0, 0.0
    return int(fields[11]) / TICKS_PER_S, int(fields[12]) / TICKS_PER_S


def memory_mb(pid: int) -> float:
    """Return the resident set in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def descendants(pid: int) -> list[int]:
    """Return the children of a process and theirs."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                found += [int(child), *descendants(int(child))]
    except OSError:
        pass
    return found


def serving(pid: int) -> list[int]:
    """Return the processes of a server that packets pass through or calls are made by: it and, if any, its workers."""
    return [pid, *(child for child in descendants(pid) if b"server.front.worker" in _command(child))]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def listener(port: int) -> int | None:
    """Return the process that listens on a TCP port of this machine, if it can be seen."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening(Path(f"/proc/net/{table}"), port)}
    for process in filter(str.isdecimal, os.listdir("/proc")):
        try:
            links = [os.readlink(f"/proc/{process}/fd/{fd}") for fd in os.listdir(f"/proc/{process}/fd")]
        except OSError:
            continue
        if any(link in inodes for link in links):
            return int(process)
    return None


def _listening(table: Path, port: int) -> Iterable[str]:
    for line in table.read_text().splitlines()[1:] if table.exists() else ():
        fields = line.split()
        if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
            yield f"socket:[{fields[9]}]"


def dropped_datagrams() -> int:
    """Return how many datagrams of this network namespace found their socket's buffer full."""
    names, values = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line[:4] == "Udp:"]
    return int(dict(zip(names, values, strict=True))["RcvbufErrors"])
