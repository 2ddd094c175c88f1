"""One load on one server: start the generators, wait for the calls, measure a window, add up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from . import process
from .generator import Orders

ROOT = Path(__file__).resolve().parents[2]
WARM_UP_S = 4.0
PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Load:
    """How much of what, from where.

    `prefix` goes before the generators' command; with `server_pid` None nobody's processor time is looked at.
    """

    calls: int
    seconds: float
    video: str
    record: bool
    generators: int = 1
    prefix: tuple[str, ...] = ()
    server_pid: int | None = None
    during: AbstractContextManager[None] = field(default_factory=nullcontext)
    """Entered once all calls stand."""


def measure(load: Load, orders: Orders, say: Callable[[str], None]) -> dict[str, Any]:
    """Put `load` on the server of `orders` and return the figures.

    Raises:
        RuntimeError: If a call cannot be made; it says why.
    """
    generators: list[Generator] = []
    held = ExitStack()
    try:
        for i in range(load.generators):
            share = list(range(i, load.calls, load.generators))
            generators.append(Generator(replace(orders, calls=share), load.prefix))
        for n in range(load.calls):
            generators[n % load.generators].answer("joined")
            say(f"{orders.server}: {n + 1} of {load.calls} calls connected")
        for generator in generators:
            generator.answer("ready")
        held.enter_context(load.during)
        from_s = time.monotonic() + WARM_UP_S
        to_s = from_s + load.seconds
        for generator in generators:
            generator.tell(from_s=from_s, to_s=to_s)
        _progress(from_s, lambda left_s: f"{orders.server}: measuring begins in {left_s:.0f} s", say)
        before = Snapshot.take(load.server_pid, generators)
        _progress(to_s, lambda left_s: f"{orders.server}: {left_s:.0f} s left", say)
        after = Snapshot.take(load.server_pid, generators)
        figures = [generator.answer("sent") for generator in generators]
    finally:
        held.close()
        for generator in generators:
            generator.end()
    return summary(load, before, after, figures)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The kernel's counters at one moment."""

    at_s: float
    server_s: tuple[tuple[float, float], ...]
    children_s: float
    generators_s: float
    memory_mb: float
    threads: int
    dropped: int

    @classmethod
    def take(cls, pid: int | None, generators: list[Generator]) -> Snapshot:
        family = process.descendants(pid) if pid is not None else []
        serving = process.serving(pid) if pid is not None else []
        return cls(
            at_s=time.monotonic(),
            server_s=tuple(process.cpu_s(one) for one in serving),
            children_s=sum(sum(process.cpu_s(child)) for child in family if child not in serving),
            generators_s=sum(sum(process.cpu_s(generator.pid)) for generator in generators),
            memory_mb=sum(process.memory_mb(one) for one in serving),
            threads=sum(process.threads(one) for one in serving),
            dropped=process.dropped_datagrams(),
        )


def summary(load: Load, before: Snapshot, after: Snapshot, figures: list[dict[str, Any]]) -> dict[str, Any]:
    total = lambda name: sum(one[name] for one in figures)  # noqa: E731
    wall_s = after.at_s - before.at_s
    each = [(end[0] - begin[0], end[1] - begin[1]) for end, begin in zip(after.server_s, before.server_s, strict=True)]
    user_s, system_s = (sum(one[i] for one in each) for i in (0, 1))
    generators_s = after.generators_s - before.generators_s
    received = max(1, total("received"))
    result: dict[str, Any] = {
        "calls": load.calls,
        "video": load.video,
        "record": load.record,
        "seconds": round(wall_s, 2),
        "packets_in_per_s": round(total("sent") / wall_s, 1),
        "packets_out_per_s": round(total("received") / wall_s, 1),
        "out_mbit_per_s": round(total("received_octets") * 8e-6 / wall_s, 2),
        "lost_percent": round(100 * (1 - total("received") / max(1, total("expected"))), 3),
        "undelivered_percent": round(100 * (1 - total("received") / max(1, total("sent"))), 3),
        "silent_streams": total("silent"),
        "nacks": total("nacks"),
        "key_frame_requests": total("key_frame_requests"),
        "datagrams_dropped_by_sockets": after.dropped - before.dropped,
        "audio_ms": percentiles([value for one in figures for value in one["audio_ms"]]),
        "video_ms": percentiles([value for one in figures for value in one["video_ms"]]),
        "generator": {
            "cpu_percent": round(100 * generators_s / wall_s, 1),
            "us_per_packet": round(1e6 * generators_s / max(1, total("sent") + total("received")), 1),
            "late_ms": percentiles([value for one in figures for value in one["lateness_ms"]]),
        },
    }
    if load.server_pid is not None:
        result["server"] = {
            "cpu_percent": round(100 * (user_s + system_s) / wall_s, 2),
            "cpu_percent_each": [round(100 * sum(one) / wall_s, 2) for one in each],
            "user_percent": round(100 * user_s / wall_s, 2),
            "system_percent": round(100 * system_s / wall_s, 2),
            "cpu_percent_per_call": round(100 * (user_s + system_s) / wall_s / load.calls, 3),
            "us_per_packet": round(1e6 * (user_s + system_s) / received, 2),
            "children_cpu_percent": round(100 * (after.children_s - before.children_s) / wall_s, 1),
            "memory_mb": round(after.memory_mb, 1),
            "memory_growth_mb": round(after.memory_mb - before.memory_mb, 2),
            "threads": after.threads,
        }
    return result


def percentiles(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)
    rank = {f"p{q}": ordered[min(len(ordered) - 1, len(ordered) * q // 100)] for q in PERCENTILES}
    return {name: round(value, 3) for name, value in {**rank, "max": ordered[-1]}.items()}


class Generator:
    """A generator process, seen from outside."""

    def __init__(self, orders: Orders, prefix: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.load.generator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=ROOT,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        self.pid = self._process.pid
        self.tell(**asdict(orders))

    def tell(self, **what: object) -> None:
        self._process.stdin.write(json.dumps(what) + "\n")

    def answer(self, key: str) -> dict[str, Any]:
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "a generator ended; its words stand above"}
        if key not in answer:
            raise RuntimeError(answer.get("error", f"a generator said {line!r} instead of {key}"))
        return answer

    def end(self) -> None:
        try:
            self.tell(end=True)
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def _progress(until_s: float, line: Callable[[float], str], say: Callable[[str], None]) -> None:
    while (left_s := until_s - time.monotonic()) > 0:
        say(line(left_s))
        time.sleep(min(left_s, 5.0))
