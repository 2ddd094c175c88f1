"""What aiortc and aioice begin with, as we want it: bound sockets, idle senders and receivers. A seam, too."""

from __future__ import annotations

import structlog
from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol
from aiortc import RTCRtpTransceiver

from .ice import IceSettings, announced, bind_udp, host_addresses, interfaces
from .udp import Owner, UdpTransport

log = structlog.get_logger()


def keep_idle(transceiver: RTCRtpTransceiver) -> None:
    """See to it that neither side ever starts: no decoder thread, no polling of a missing track."""
    transceiver.receiver.receive = _nothing  # type: ignore[method-assign]
    transceiver.sender.send = _nothing  # type: ignore[method-assign]


async def _nothing(parameters: object) -> None:
    """Stand in for starting a sender or receiver."""


async def bind_candidates(connection: Connection, component: int, ice: IceSettings, owner: Owner) -> list[Candidate]:
    """Bind every address worth offering, in the port range; return the candidates as the answer names them."""
    candidates: list[Candidate] = []
    for rank, address in enumerate(host_addresses(interfaces())):
        try:
            sock = bind_udp(address, ice)
        except OSError as error:
            log.debug("media.address_not_bound", address=address, error=repr(error))
            continue
        protocol = StunProtocol(connection)
        transport = UdpTransport(sock, protocol, owner)
        protocol.local_candidate = _candidate(component, address, transport.get_extra_info("sockname")[1], rank)
        connection._protocols.append(protocol)
        if connection._closing:
            # Closed while gathering: nobody else would close this socket.
            await protocol.close()
            break
        shown = announced(address, ice)
        candidates.append(_candidate(component, shown, protocol.local_candidate.port, rank))
    return candidates


def _candidate(component: int, address: str, port: int, rank: int) -> Candidate:
    return Candidate(
        foundation=candidate_foundation("host", "udp", address),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host", 65535 - rank),
        host=address,
        port=port,
        type="host",
    )
