"""How the compiled helper sends to one browser: descriptor, address and SRTP session, as long as they are true."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from pylibsrtp import Session

from .native import Native
from .srtp_seam import address_of


class Outlet:
    """One browser's. `struct` is the helper's; its descriptor is -1 while nothing may be sent."""

    def __init__(self, helper: Native) -> None:
        self.struct: Any = helper.ffi.new("struct outlet *", {"fd": -1})
        self._helper = helper
        # What the struct points to lives as long as it is kept here.
        self._session: Session | None = None
        self._address: tuple[str, int] | None = None

    def open(self, transport: asyncio.DatagramTransport, address: tuple[str, int], session: Session) -> bool:
        """Send from a transport's socket to `address` from now on; False, and nothing is sent, if it is closing."""
        if transport.is_closing():
            # aioice may name it again before it is gone; its descriptor is somebody else's in a moment.
            self.close()
            return False
        sock: socket.socket = transport.get_extra_info("socket")
        if address != self._address:
            self._helper.write_address(self.struct, sock.family, address)
            self._address = address
        if session is not self._session:
            self.struct.srtp = address_of(session)
            self._session = session
        self.struct.fd = sock.fileno()
        return True

    def close(self) -> None:
        """Send nothing more: the descriptor may soon be somebody else's."""
        self.struct.fd = -1

    def faults(self) -> tuple[int, int]:
        """Return how many packets the system did not take and how many could not be sent, since the last time."""
        struct = self.struct
        faults = int(struct.dropped), int(struct.failed)
        struct.dropped = struct.failed = 0
        return faults
