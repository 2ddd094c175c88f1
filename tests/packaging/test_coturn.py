"""coturn's template does what it says, shown on a real turnserver."""

import asyncio
import ssl
import stat
import subprocess
from pathlib import Path

import pytest
from aioice import stun, turn

from tests.certificates import write_certificate
from tests.turnserver import HOST, START, TurnServer, environment, running_turnserver


class Echo(asyncio.DatagramProtocol):
    """The peer beyond the relay: sends back what it gets."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data, address)


class Inbox(asyncio.DatagramProtocol):
    """This side of the relay: what came back, or why it could not."""

    def __init__(self):
        self.received = asyncio.get_running_loop().create_future()
        self.closed = asyncio.Event()

    def datagram_received(self, data, address):
        if not self.received.done():
            self.received.set_result(data)

    def error_received(self, error):
        if not self.received.done():
            self.received.set_exception(error)

    def connection_lost(self, error):
        self.closed.set()


async def relayed(server: TurnServer, peer: tuple[str, int], username: str, password: str, *, port=None, **options):
    """Send one packet to `peer` through the relay and return the answer."""
    transport, inbox = await turn.create_turn_endpoint(
        Inbox, (HOST, port or server.port), username=username, password=password, **options
    )
    try:
        transport.sendto(b"hello", peer)
        return await asyncio.wait_for(inbox.received, 10)
    finally:
        transport.close()
        await inbox.closed.wait()


@pytest.fixture
async def echo():
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=(HOST, 0))
    yield transport.get_extra_info("sockname")
    transport.close()


@pytest.fixture(scope="module")
def closed_server():
    with running_turnserver() as server:
        yield server


@pytest.fixture(scope="module")
def open_server():
    with running_turnserver(TURN_ALLOWED_PEERS=HOST, TURN_ALLOW_LOOPBACK_PEERS="yes") as server:
        yield server


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_short_lived_credentials_relay_to_an_allowed_peer(open_server, echo, transport):
    assert await relayed(open_server, echo, *open_server.credentials(), transport=transport) == b"hello"


async def test_relaying_over_tls(echo, tmp_path):
    certificate, key = write_certificate(tmp_path)
    tls = {"TURN_TLS_CERTIFICATE": str(certificate), "TURN_TLS_KEY": str(key)}
    with running_turnserver(TURN_ALLOWED_PEERS=HOST, TURN_ALLOW_LOOPBACK_PEERS="yes", **tls) as server:
        context = ssl.create_default_context(cafile=certificate)
        options = {"port": server.tls_port, "transport": "tcp", "ssl": context}
        assert await relayed(server, echo, *server.credentials(), **options) == b"hello"


@pytest.mark.parametrize("fault", ["password", "expired"])
async def test_wrong_or_expired_credentials_are_refused(open_server, echo, fault):
    username, password = open_server.credentials(ttl_s=-60 if fault == "expired" else 600)
    with pytest.raises(stun.TransactionFailed) as refusal:
        await relayed(open_server, echo, username, "wrong" if fault == "password" else password)
    assert refusal.value.response.attributes["ERROR-CODE"][0] == 401


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"],
)
async def test_private_networks_are_refused_by_default(closed_server, address):
    with pytest.raises(stun.TransactionFailed) as refusal:
        await relayed(closed_server, (address, 9), *closed_server.credentials())
    assert refusal.value.response.attributes["ERROR-CODE"][0] == 403


async def test_with_allowed_peers_named_all_others_are_refused(open_server):
    with pytest.raises(stun.TransactionFailed) as refusal:
        await relayed(open_server, ("192.0.2.1", 9), *open_server.credentials())
    assert refusal.value.response.attributes["ERROR-CODE"][0] == 403


def render(tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [START, "--render"], env=environment(tmp_path / "state", 3478, **variables), capture_output=True, text=True
    )


def test_the_secret_is_in_a_file_only_its_owner_can_read(tmp_path):
    file = Path(render(tmp_path).stdout.strip())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "@" not in "".join(line for line in file.read_text().splitlines() if not line.startswith("#"))


def test_tls_is_on_with_a_certificate_and_off_without(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.touch()
    key.touch()
    plain = Path(render(tmp_path).stdout.strip()).read_text()
    assert "no-tls\nno-dtls\n" in plain
    with_tls = Path(
        render(tmp_path, TURN_TLS_CERTIFICATE=str(certificate), TURN_TLS_KEY=str(key)).stdout.strip()
    ).read_text()
    assert f"cert={certificate}\npkey={key}\n" in with_tls
    assert "no-dtls" not in with_tls


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TURN_SECRET", ""),
        ("TURN_SECRET", "short"),
        ("TURN_SECRET", "long-enough-0123456789\nallow-loopback-peers"),
        ("TURN_REALM", "a b"),
        ("TURN_PORT", "http"),
        ("TURN_ALLOWED_PEERS", "127.0.0.1\nno-auth"),
        ("TURN_ALLOW_LOOPBACK_PEERS", "true"),
        ("TURN_TLS_KEY", "/only/the/key"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(tmp_path, variable, value):
    refused = render(tmp_path, **{variable: value})
    assert refused.returncode == 2
    assert variable in refused.stderr
    assert not (tmp_path / "state" / "turnserver.conf").exists()
