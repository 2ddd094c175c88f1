"""What `serve` says when it cannot."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.running import running_server

ROOT = Path(__file__).parents[2]


def _serve(data_dir: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "server", "serve", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir), "RECORDINGS_DIR": str(data_dir), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def taken_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def _one_sentence(said: str) -> str:
    lines = [line for line in said.splitlines() if line.startswith("escuta serve: ")]
    assert len(lines) == 1, said
    assert "Traceback" not in said
    return lines[0]


def test_a_taken_port_is_one_sentence_that_names_it(data_dir, taken_port):
    result = _serve(data_dir, "--port", str(taken_port))
    assert result.returncode == 1
    assert f"Port {taken_port} on 127.0.0.1 cannot be used" in _one_sentence(result.stderr)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"UNSTABLE_AFTER_S": "-1"}, "UNSTABLE_AFTER_S"),
        ({"API_SECRET": "short"}, "API_SECRET"),
        ({"TURN_URLS": "turn:x"}, "TURN_SECRET"),
        ({"ADVERTISED_IP": "not an address"}, "ADVERTISED_IP"),
        ({"LLM_BASE_URL": "http://127.0.0.1:9/v1"}, "LLM_MODEL"),
        ({"UDP_PORT_MIN": "5", "UDP_PORT_MAX": "3"}, "UDP_PORT_MAX"),
        ({"DATABASE_URL": "postgresql://u:hidden-word@127.0.0.1:9/x"}, "database"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence_that_names_it(tmp_path, environment, named):
    result = _serve(tmp_path, "--port", "0", **environment)
    assert result.returncode == 1
    assert named in _one_sentence(result.stderr)
    assert "hidden-word" not in result.stderr


def test_a_request_that_cannot_be_parsed_puts_no_token_into_the_log(tmp_path, data_dir):
    with running_server(tmp_path, data_dir) as server:
        host, port = server.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer SECRETTOKEN\x00\r\n\r\n")
            connection.recv(4096)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
    assert "SECRETTOKEN" not in (tmp_path / "server.log").read_text()
