"""Put N two-party calls on a server from other processes and say what it costs; one JSON line a run.

    scripts/load --calls 4 --seconds 20 --video 720p --record
        on the Escuta that runs here (HOST, PORT, API_KEY, API_SECRET or DATA_DIR as the server has them)
    scripts/load --workers 1 2 --share 10 --calls 4
        how many calls 1 and 2 worker processes carry, each on a tenth of a core, and what a packet costs (needs root)
    scripts/load --calls 8 --record --against direct escuta janus mediarelay
        side by side: each server started alone on one core, the generator on another (needs root or user namespaces)

Latency is from a sender's socket to a receiver's, and holds the generator's own part: `direct` shows how much.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from server.settings import load_settings

from . import compare, process, scaling
from .generator import Orders
from .media import PROFILES, schedule
from .run import Load, measure

CALLS_PER_GENERATOR = 30


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, nargs="+", default=[1], help="how many two-party calls (several: in turn)")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the measured window")
    parser.add_argument("--video", choices=sorted(PROFILES), default="720p")
    parser.add_argument("--record", action="store_true", help="both consent: the journal is written")
    parser.add_argument("--json", action="store_true", help="nothing but the JSON lines")
    parser.add_argument("--url", help="the server (default: from the settings)")
    parser.add_argument("--pid", type=int, help="its process (default: whoever listens on that port)")
    parser.add_argument(
        "--against",
        nargs="+",
        choices=("escuta", "escuta-python", "janus", "mediarelay", "direct"),
        help="escuta-python: without media's compiled helper",
    )
    parser.add_argument("--repeat", type=int, default=1, help="with --against: so many rounds")
    parser.add_argument(
        "--workers", type=int, nargs="+", help="how many calls each of so many workers carries (--calls: to begin with)"
    )
    parser.add_argument("--share", type=float, default=10.0, help="with --workers: percent of a core for each (root)")
    parser.add_argument("--log", type=Path, help="with --against: what the servers say is added to this file")
    return parser.parse_args()


def main() -> int:
    asked = arguments()

    def say(line: str) -> None:
        if not asked.json:
            print(line, file=sys.stderr, flush=True)

    if asked.against:
        compare.enter_namespace(sys.argv[1:])
    schedule(asked.video)
    if asked.workers:
        scaling.run(asked, say)
        return 0
    results = _side_by_side(asked, say) if asked.against else [_running(asked, calls, say) for calls in asked.calls]
    if not asked.json and len(results) > 1:
        print(compare.shown(results), file=sys.stderr)
    return 0


def _running(asked: argparse.Namespace, calls: int, say) -> dict:
    settings = load_settings()
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    url = asked.url or f"http://{host}:{settings.port}"
    parts = urlsplit(url)
    pid = asked.pid or process.listener(parts.port or 80)
    if pid is None:
        say(f"Whoever listens at {url} cannot be seen from here: no processor time will be told.")
    local = parts.hostname in ("127.0.0.1", "localhost")
    load = Load(calls, asked.seconds, asked.video, asked.record, _generators(calls), server_pid=pid)
    orders = Orders(
        "escuta", url, [], asked.video, asked.record, "127.0.0.1" if local else None, workers=settings.workers
    )
    result = {"name": "escuta", **measure(load, orders, say)}
    print(compare.as_line(result), flush=True)
    return result


def _side_by_side(asked: argparse.Namespace, say) -> list[dict]:
    results = []
    cores = sorted(os.sched_getaffinity(0))
    prefix = compare.undisturbed(cores[-1])
    with tempfile.TemporaryDirectory(prefix="escuta-load-data-") as data:
        os.environ["DATA_DIR"] = data
        for _ in range(asked.repeat):
            for calls in asked.calls:
                for server in asked.against:
                    with compare.started(server, cores[0], cores[-1], asked.log) as started:
                        load = Load(
                            calls,
                            asked.seconds,
                            asked.video,
                            asked.record,
                            _generators(calls),
                            tuple(prefix),
                            started.pid,
                        )
                        orders = Orders(
                            server, started.url, [], asked.video, asked.record, compare.CLIENT_ADDRESS,
                            started.record_folder,
                        )  # fmt: skip
                        result = {"name": server, **measure(load, orders, say)}
                    print(compare.as_line(result), flush=True)
                    results.append(result)
    return results


def _generators(calls: int) -> int:
    return -(-calls // CALLS_PER_GENERATOR)


if __name__ == "__main__":
    raise SystemExit(main())
