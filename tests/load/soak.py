"""Join, talk and leave, over and over, on a server of our own; say what grows. One JSON line at the end.

scripts/soak --minutes 90 --calls 4 --talk 20     (needs root or user namespaces)
scripts/soak --minutes 3                           (the accelerated variant)
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time

from . import compare, process
from .generator import Orders
from .media import schedule
from .run import Load, measure

MOST_GROWTH_PERCENT = 5.0
SETTLE_S = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=90.0, help="how long in all")
    parser.add_argument(
        "--calls", type=int, default=4, help="calls at a time, recorded: twice as many joins and leaves"
    )
    parser.add_argument("--talk", type=float, default=15.0, help="seconds that each of them lasts")
    asked = parser.parse_args()
    compare.enter_namespace(sys.argv[1:], "tests.load.soak")
    schedule("360p")
    with tempfile.TemporaryDirectory(prefix="escuta-soak-") as data:
        # Server and generators read the same secret.
        os.environ["DATA_DIR"] = data
        with compare.started("escuta", *_cores(), None) as started:
            result = soak(asked, started)
    print(compare.as_line(result), flush=True)
    return 0 if result["passed"] else 1


def soak(asked: argparse.Namespace, started: compare.Started) -> dict:
    """Go round until time is up; the first five minutes, or a third of less, are warming up."""
    began_s = time.monotonic()
    until_s, warm_s = began_s + asked.minutes * 60, began_s + min(300.0, asked.minutes * 20)
    samples, joins, lost = [], 0, 0.0
    reference = None
    load = Load(asked.calls, asked.talk, "360p", True, 1, (), started.pid)
    orders = Orders("escuta", started.url, [], "360p", True, compare.CLIENT_ADDRESS)
    while reference is None or reference is samples[-1] or time.monotonic() < until_s:
        figures = measure(load, orders, lambda _: None)
        joins += 2 * asked.calls
        lost = max(lost, figures["undelivered_percent"])
        time.sleep(SETTLE_S)
        samples.append(sample(started.pid))
        if reference is None and time.monotonic() >= warm_s:
            reference = samples[-1]
        print(
            f"{(time.monotonic() - began_s) / 60:6.1f} min  {joins} joins  {samples[-1]}", file=sys.stderr, flush=True
        )
    growth = {name: samples[-1][name] - reference[name] for name in reference}
    percent = 100 * growth["memory_mb"] / reference["memory_mb"]
    return {
        "minutes": round((time.monotonic() - began_s) / 60, 1),
        "joins": joins,
        "memory_mb": samples[-1]["memory_mb"],
        "memory_growth_percent": round(percent, 2),
        "descriptor_growth": growth["descriptors"],
        "thread_growth": growth["threads"],
        "most_undelivered_percent": lost,
        "passed": percent <= MOST_GROWTH_PERCENT and growth["descriptors"] <= 0 and growth["threads"] <= 0,
    }


def sample(pid: int) -> dict[str, float]:
    return {
        "memory_mb": round(process.memory_mb(pid), 1),
        "descriptors": process.descriptors(pid),
        "threads": process.threads(pid),
    }


def _cores() -> tuple[int, int]:
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[-1]


if __name__ == "__main__":
    raise SystemExit(main())
