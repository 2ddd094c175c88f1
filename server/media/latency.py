"""How long packets take from this machine's network to the other leg's socket, counted by upper bound."""

from __future__ import annotations

import fcntl
import struct
import time
from bisect import bisect_left
from dataclasses import dataclass, field

LATENCY_BOUNDS_S = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
"""As in relay.c."""

ONE_IN = 16
_ARRIVAL = 0x8907  # SIOCGSTAMPNS: when the kernel took in what was last received from a socket
_TIMESPEC = struct.Struct("@ll")


@dataclass(slots=True)
class Latencies:
    """Counts by `LATENCY_BOUNDS_S`, the last one beyond all of them, and the sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_S) + 1))
    sum_s: float = 0.0
    _until_next: int = 0

    def observe(self, latency_s: float) -> None:
        """Count one packet."""
        self.counts[bisect_left(LATENCY_BOUNDS_S, latency_s)] += 1
        self.sum_s += max(0.0, latency_s)

    def sample(self, fd: int) -> None:
        """Count one packet in `ONE_IN`, last received from `fd` and just sent on, if the system tells when."""
        self._until_next -= 1
        if self._until_next > 0:
            return
        self._until_next = ONE_IN
        try:
            seconds, nanoseconds = _TIMESPEC.unpack(fcntl.ioctl(fd, _ARRIVAL, bytes(_TIMESPEC.size)))
        except OSError:
            return  # the first time: from now on the kernel notes it
        self.observe(time.time() - seconds - nanoseconds * 1e-9)


in_python = Latencies()
"""Of this process, without the compiled helper: a sample."""
