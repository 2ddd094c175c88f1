"""How many calls 1, 2, … worker processes carry, each on the same share of a core, and what a packet costs then.

scripts/load --workers 1 2 --share 10     (needs root: the share is a control group's)
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import process
from .generator import Orders
from .quota import limited
from .run import ROOT, Load, measure

MOST_LOST_PERCENT = 0.1
LATEST_MS = 100.0
"""Of the 99th percentile: beyond it the queue grows, and what is late now is lost later."""
MOST_CALLS_EACH = 64


def run(asked: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Measure every number of workers in turn; print one JSON line."""
    carried = [_most_calls(asked, workers, say) for workers in asked.workers]
    first = carried[0]
    result = {
        "name": "escuta-workers",
        "video": asked.video,
        "record": asked.record,
        "core_share_percent": asked.share,
        "at_most": {"undelivered_percent": MOST_LOST_PERCENT, "audio_p99_ms": LATEST_MS},
        "carried": carried,
        "calls_per_worker_against_first": [
            round(one["calls"] / one["workers"] / (first["calls"] / first["workers"]), 3) for one in carried
        ],
        "us_per_packet_against_first": [round(one["us_per_packet"] / first["us_per_packet"], 3) for one in carried],
    }
    print(json.dumps(result, separators=(", ", ": ")), flush=True)
    return result


def _most_calls(asked: argparse.Namespace, workers: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Find the most calls for each worker that are still carried."""
    with tempfile.TemporaryDirectory(prefix="escuta-load-") as folder, _server(Path(folder), workers) as (url, pid):
        best: dict[str, Any] | None = None
        low, high = 0, MOST_CALLS_EACH + 1
        each = asked.calls[0]
        while low < each < high:
            _await_idle(url)
            figures = _measured(asked, url, pid, workers, each, say)
            good = figures["undelivered_percent"] < MOST_LOST_PERCENT and figures["audio_p99_ms"] < LATEST_MS
            say(f"{workers} workers, {each * workers} calls: {'carried' if good else 'too many'} {figures}")
            if good:
                low, best = each, figures
            else:
                high = each
            each = min(low * 2, (low + high) // 2) if high <= MOST_CALLS_EACH else each * 2
            each = max(each, 1)
        if best is None:
            raise RuntimeError(f"{workers} workers do not carry a call each on {asked.share} % of a core.")
        return best


def _measured(
    asked: argparse.Namespace, url: str, pid: int, workers: int, each: int, say: Callable[[str], None]
) -> dict[str, Any]:
    calls = each * workers
    media = process.serving(pid)[-workers:]
    load = Load(
        calls,
        asked.seconds,
        asked.video,
        asked.record,
        # Real time: other work on this machine must not look like a slow server.
        prefix=("chrt", "-f", "1"),
        server_pid=pid,
        during=limited(media, asked.share),
    )
    measured = measure(load, Orders("escuta", url, [], asked.video, asked.record, "127.0.0.1", workers=workers), say)
    server = measured["server"]
    return {
        "workers": workers,
        "calls": calls,
        "packets_out_per_s": measured["packets_out_per_s"],
        "undelivered_percent": measured["undelivered_percent"],
        "audio_p99_ms": (measured["audio_ms"] or {"p99": float("inf")})["p99"],
        "us_per_packet": server["us_per_packet"],
        "cpu_percent_each": server["cpu_percent_each"],
        "memory_mb": server["memory_mb"],
    }


def _await_idle(url: str) -> None:
    """Wait until the recordings of the calls before are finished: that work is not what is measured."""
    for _ in range(600):
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            if b"\nescuta_rooms 0\n" in answer.read():
                return
        time.sleep(0.2)
    raise RuntimeError("The rooms of the calls before do not close.")


@contextmanager
def _server(folder: Path, workers: int) -> Iterator[tuple[str, int]]:
    environment = {
        "DATA_DIR": str(folder / "data"),
        "RECORDINGS_DIR": str(folder / "recordings"),
        "SPEECH_PROVIDER": "scripted",
        "SECOND_PASS": "false",
        "LLM_PROVIDER": "rules",
        "MIN_FREE_DISK_MB": "10",
        "WORKERS": str(workers),
        # Generators that are cut off do not say that they leave.
        "RECONNECT_GRACE_S": "1",
        "IDLE_TIMEOUT_S": "3",
    }
    before = os.environ.get("DATA_DIR")
    os.environ["DATA_DIR"] = environment["DATA_DIR"]  # the generators sign with the same secret
    with (folder / "log").open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "server", "serve", "--port", "0", "--no-demo", "--json"],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=ROOT,
            env={**os.environ, **environment},
            text=True,
        )
    try:
        line = running.stdout.readline() if running.stdout else ""
        if not line:
            raise RuntimeError((folder / "log").read_text()[-2000:])
        yield json.loads(line)["address"].replace("localhost", "127.0.0.1"), running.pid
    finally:
        os.environ.pop("DATA_DIR")
        os.environ.update({} if before is None else {"DATA_DIR": before})
        running.send_signal(signal.SIGINT)
        running.wait(120)
        if running.stdout:
            running.stdout.close()
