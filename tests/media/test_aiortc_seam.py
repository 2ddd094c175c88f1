"""What the seam builds on. A failure after an upgrade says which name moved: read it up before changing the pin."""

from __future__ import annotations

import importlib.metadata
import inspect

import aioice.ice
import pylibsrtp
import pytest
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport, State
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcpeerconnection import RTCPeerConnection as Connection

from server.media import aiortc_seam
from server.media.ice import IceSettings
from tests.media.browser import new_peer
from tests.media.test_offer import CHROMIUM


def test_the_versions_are_those_the_seam_was_read_against():
    assert importlib.metadata.version("aiortc") == "1.16.0"
    assert importlib.metadata.version("aioice") == "0.13.0"


@pytest.mark.parametrize(
    ("function", "parameters", "asynchronous"),
    [
        (RTCDtlsTransport._handle_rtp_data, ["self", "data", "arrival_time_ms"], True),
        (RTCDtlsTransport._handle_rtcp_data, ["self", "data"], True),
        (RTCIceTransport.start, ["self", "remoteParameters"], True),
        (RTCRtpReceiver.receive, ["self", "parameters"], True),
        (RTCRtpSender.send, ["self", "parameters"], True),
        (aioice.ice.Connection.query_consent, ["self"], True),
        (aioice.ice.Connection.build_request, ["self", "pair", "nominate"], False),
        (
            aioice.ice.StunProtocol.request,
            ["self", "request", "addr", "integrity_key", "retransmissions"],
            True,
        ),
        (aioice.ice.Connection.data_received, ["self", "data", "component"], False),
        (aioice.ice.Connection.get_component_candidates, ["self", "component", "addresses", "timeout"], True),
        (aioice.ice.StunProtocol.__init__, ["self", "receiver"], False),
        (aioice.ice.StunProtocol.close, ["self"], True),
        (aioice.ice.StunProtocol.datagram_received, ["self", "data", "addr"], False),
        (aioice.ice.StunProtocol.connection_lost, ["self", "exc"], False),
        (pylibsrtp.Session.protect_rtcp, ["self", "packet"], False),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_what_is_replaced_or_called_has_this_signature(function, parameters, asynchronous):
    assert list(inspect.signature(function).parameters) == parameters
    assert inspect.iscoroutinefunction(function) == asynchronous


async def test_the_private_attributes_are_there():
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
    first, second = pc.addTransceiver("audio"), pc.addTransceiver("video")
    dtls = first.receiver.transport
    assert second.sender.transport is dtls
    assert dtls._state is State.NEW
    assert dtls._task is None
    assert dtls._tx_srtp is None
    assert dtls._rx_srtp is None
    connection = dtls.transport._connection
    assert dtls.transport._recv == connection.recv
    assert connection._nominated == {}
    assert connection._protocols == []
    assert connection._queue.qsize() == 0
    assert connection._query_consent_task is None
    assert connection._closing is False
    await pc.close()


@pytest.mark.parametrize(
    ("function", "phrases"),
    [
        # Our replacements are found because these look them up on the instance, at the time of the call.
        (RTCDtlsTransport._recv_next, ["await self._handle_rtp_data(data, arrival_time_ms=arrival_time_ms)"]),
        (RTCDtlsTransport._recv_next, ["await self._handle_rtcp_data(data)", "first_byte = data[0]"]),
        # Nothing else is asked of a socket's transport.
        (aioice.ice.StunProtocol.send_stun, ["self.transport.sendto(bytes(message), addr)"]),
        (aioice.ice.StunProtocol.close, ["self.transport.close()", "await self.__closed"]),
        (aioice.ice.StunProtocol.datagram_received, ["self.receiver.data_received("]),
        (aioice.ice.Connection.gather_candidates, ["self.get_component_candidates("]),
        (aioice.ice.Connection.connect, ["asyncio.create_task(self.query_consent())"]),
        (aioice.ice.Connection.sendto, ["self._nominated.get(component)", "active_pair.remote_addr"]),
        (aioice.ice.Connection.close, ["for protocol in self._protocols:", "self._closing = True"]),
        (Connection._RTCPeerConnection__connect, ["await iceTransport.start(", ".sender.send(", ".receiver.receive("]),
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_the_calls_we_stand_in_for_are_made_there(function, phrases):
    source = inspect.getsource(function)
    for phrase in phrases:
        assert phrase in source


async def test_no_stun_server_is_asked_and_only_our_sockets_are_bound(monkeypatch):
    monkeypatch.setattr(aiortc_seam, "host_addresses", lambda found: ["127.0.0.1"])
    peer = new_peer(ice=IceSettings())
    answer = await peer.answer(CHROMIUM)
    connection = peer._transport._wire._connection
    assert connection.stun_server is None
    assert connection.turn_server is None
    assert [protocol.local_candidate.host for protocol in connection._protocols] == ["127.0.0.1"]
    assert answer.count("typ host") == 2
    await peer.close()
