"""Servers started for a comparison: each alone on one core, in a network namespace of their own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import process
from .run import ROOT

SERVER_ADDRESS, CLIENT_ADDRESS = "198.18.0.1", "198.18.0.2"
INTERFACE = "load0"
PORT = 8190
INSIDE = "ESCUTA_LOAD_NAMESPACE"
JANUS = """
general: {{ configs_folder = "{folder}"  plugins_folder = "{lib}/plugins"  transports_folder = "{lib}/transports"
  events_folder = "{lib}/events"  loggers_folder = "{lib}/loggers"  debug_level = 3  protected_folders = [] }}
media: {{ ipv6 = false  rtp_port_range = "20000-40000" }}
nat: {{ ice_enforce_list = "{interface}" }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""
JANUS_SOCKET = (
    'general: {{ ws = true  ws_port = {port}  ws_interface = "lo"  wss = false }}\nadmin: {{ admin_ws = false }}\n'
)


@dataclass(frozen=True, slots=True)
class Started:
    pid: int | None
    url: str
    record_folder: str | None = None


def enter_namespace(arguments: list[str], module: str = "tests.load") -> None:
    """Run this program again in a network namespace with an interface of no ports; return there.

    Janus takes no loopback interface; what goes between two addresses of one machine passes through `lo` anyway.
    """
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        share = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
        os.execvp(share[0], [*share, sys.executable, "-m", module, *arguments])
    for command in (
        "link set lo up",
        f"link add {INTERFACE} type bridge",
        f"addr add {SERVER_ADDRESS}/32 dev {INTERFACE}",
        f"addr add {CLIENT_ADDRESS}/32 dev {INTERFACE}",
        f"link set {INTERFACE} up",
    ):
        subprocess.run(["ip", *command.split()], check=True)


@contextmanager
def started(server: str, cpu: int, other_cpu: int, log: Path | None) -> Iterator[Started]:
    """Start a server on one core (its children on the other) and wait until it listens; stop it at the end."""
    if server == "direct":
        yield Started(None, "")
        return
    with tempfile.TemporaryDirectory(prefix="escuta-load-") as folder:
        output = (log or Path(folder) / "log").open("ab")
        command, url = _command(server, Path(folder))
        running = subprocess.Popen(
            [*undisturbed(cpu), *command], stdout=output, stderr=output, cwd=ROOT, env=_environment(folder)
        )
        try:
            _await_port(url, running, Path(output.name))
            _send_away(process.descendants(running.pid), other_cpu)
            (Path(folder) / "recorded").mkdir()
            yield Started(running.pid, url, str(Path(folder) / "recorded"))
        finally:
            running.terminate()
            try:
                running.wait(60)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
            output.close()


def undisturbed(cpu: int) -> list[str]:
    """Return what to put before a command so that it has a core whenever it wants: other work is not measured."""
    return ["taskset", "-c", str(cpu), *(["chrt", "-f", "1"] if os.geteuid() == 0 else [])]


def _send_away(children: list[int], cpu: int) -> None:
    """Database and speech recognition are not what is compared: let them have what the others leave."""
    for child in children:
        for task in os.listdir(f"/proc/{child}/task"):
            os.sched_setaffinity(int(task), {cpu})
            os.sched_setscheduler(int(task), os.SCHED_IDLE, os.sched_param(0))


def _environment(folder: str) -> dict[str, str]:
    return {
        **os.environ,
        "DATA_DIR": os.environ.get("DATA_DIR", f"{folder}/data"),
        "RECORDINGS_DIR": f"{folder}/recordings",
        "SPEECH_PROVIDER": "scripted",
        "SECOND_PASS": "false",
        "LLM_PROVIDER": "rules",
        "MIN_FREE_DISK_MB": "10",
    }


def _command(server: str, folder: Path) -> tuple[list[str], str]:
    python = sys.executable
    if server == "janus":
        return _janus(folder), f"http://127.0.0.1:{PORT}"
    if server == "mediarelay":
        return [python, "-m", "tests.load.mediarelay", SERVER_ADDRESS, str(PORT)], f"http://{SERVER_ADDRESS}:{PORT}"
    options = ["--host", SERVER_ADDRESS, "--port", str(PORT), "--no-demo", "--json"]
    if server == "escuta-python":
        without = "from server.media.native import do_without; do_without(); from server.__main__ import main; main()"
        return [python, "-c", without, "serve", *options], f"http://{SERVER_ADDRESS}:{PORT}"
    return [python, "-m", "server", "serve", *options], f"http://{SERVER_ADDRESS}:{PORT}"


def _janus(folder: Path) -> list[str]:
    program = Path("/usr/bin/janus")
    lib = next(Path("/usr/lib").glob("*/janus"), None)
    if lib is None or not program.exists():
        raise SystemExit("Janus is not installed: apt-get install janus (as root), then run this again.")
    without = {
        part: ",".join(file.name for file in (lib / part).glob("*.so") if keep not in file.name)
        for part, keep in (("plugins", "videocall"), ("transports", "websockets"))
    }
    (folder / "janus.jcfg").write_text(JANUS.format(folder=folder, lib=lib, interface=INTERFACE, **without))
    (folder / "janus.transport.websockets.jcfg").write_text(JANUS_SOCKET.format(port=PORT))
    return [str(program), "-F", str(folder)]


def _await_port(url: str, running: subprocess.Popen[bytes], log: Path) -> None:
    host, port = url.removeprefix("http://").split(":")
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        if running.poll() is not None:
            break
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{running.args} does not listen at {url}:\n{log.read_text()[-2000:]}")


def shown(results: list[dict]) -> str:
    """Return the results side by side."""
    rows = [
        ("server", "calls", "us/packet", "cpu/call %", "audio p50/p95/p99 ms", "video p50/p95/p99 ms", "lost %", "MB")
    ]
    for one in results:
        server = one.get("server", {})
        latency = [
            "/".join(f"{(one[k] or {}).get(p, 0):.2f}" for p in ("p50", "p95", "p99")) for k in ("audio_ms", "video_ms")
        ]
        rows.append(
            (one["name"], str(one["calls"]), str(server.get("us_per_packet", "-")),
             str(server.get("cpu_percent_per_call", "-")), *latency,
             str(one["undelivered_percent"]), str(server.get("memory_mb", "-")))
        )  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def as_line(result: dict) -> str:
    return json.dumps(result, separators=(", ", ": "))
