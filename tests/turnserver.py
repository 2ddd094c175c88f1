"""A real coturn on loopback for tests, started the way coturn/start starts it."""

import base64
import contextlib
import hashlib
import hmac
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

START = Path(__file__).parents[1] / "coturn" / "start"
SECRET = "a-secret-for-tests-only-0123456789"
HOST = "127.0.0.1"
READY_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class TurnServer:
    """A running turnserver; `url` is what a browser is given."""

    port: int
    tls_port: int
    secret: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"turn:{HOST}:{self.port}?transport=udp"

    def credentials(self, identity: str = "someone", *, ttl_s: int = 600) -> tuple[str, str]:
        """Return username and password as the TURN REST convention makes them: HMAC-SHA1 over expiry:identity."""
        username = f"{int(time.time()) + ttl_s}:{identity}"
        digest = hmac.digest(self.secret.encode(), username.encode(), hashlib.sha1)
        return username, base64.b64encode(digest).decode()


def _free_port() -> int:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        tcp.bind((HOST, 0))
        udp.bind(tcp.getsockname())
        return int(tcp.getsockname()[1])


def environment(state_dir: Path, port: int, **variables: str) -> dict[str, str]:
    """Return the environment of coturn/start for a server on loopback; `variables` win."""
    return {
        "PATH": os.environ["PATH"],
        "TURN_SECRET": SECRET,
        "TURN_STATE_DIR": str(state_dir),
        "TURN_LISTENING_IP": HOST,
        "TURN_PORT": str(port),
        **variables,
    }


@contextlib.contextmanager
def running_turnserver(**variables: str) -> Iterator[TurnServer]:
    """Run a turnserver until the block ends.

    By default it relays nowhere on this machine, as in production; `TURN_ALLOWED_PEERS="127.0.0.1",
    TURN_ALLOW_LOOPBACK_PEERS="yes"` opens loopback.
    """
    with tempfile.TemporaryDirectory() as folder:
        port, tls_port = _free_port(), _free_port()
        variables.setdefault("TURN_TLS_PORT", str(tls_port))
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [START],
                env=environment(Path(folder) / "state", port, **variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until_ready(process, port, log)
            yield TurnServer(port, tls_port, SECRET, process, log)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    binding_request = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
    deadline = time.monotonic() + READY_TIMEOUT_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        probe.connect((HOST, port))
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError):
                probe.send(binding_request)
                if probe.recv(1500).startswith(b"\x01\x01"):
                    return
    raise RuntimeError(f"turnserver did not come up:\n{log.read_text(errors='replace')[-2000:]}")
