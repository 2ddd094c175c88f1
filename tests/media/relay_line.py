"""A socket that the compiled helper reads."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from server.media.native import gate, native
from server.media.relay import DECRYPTED, RAW, Left, Relay
from server.media.srtp_seam import packet_buffer
from server.model.audio import OpusPacket


class Line:
    """A socket that a relay reads, and one that sends to it."""

    def __init__(self, *, threaded: bool = True) -> None:
        helper = native()
        assert helper is not None
        self.relay = Relay(helper)
        self.inlet = helper.ffi.new("struct inlet *")
        self.near, self.far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.near.setblocking(False)
        self.near.bind(("127.0.0.1", 0))
        self.far.connect(self.near.getsockname())
        self.relay.watch(self.near.fileno(), self.inlet)
        if threaded:
            self.relay.start()

    def seen(self) -> int:
        return int(self.relay.struct.seen)

    def drain(self, packets: int) -> None:
        """Read so many here and now; the kernel may take a moment to deliver them."""
        seen = self.seen() + packets
        until(lambda: self.relay.drain(self.inlet, self.near.fileno()) or self.seen() >= seen)

    def taken(self) -> list[bytes]:
        found: list[bytes] = []

        def take(fd: int, left: Left) -> None:
            assert fd == self.near.fileno()
            assert left.kind in (RAW, DECRYPTED)
            assert left.sender() == self.far.getsockname()
            found.append(bytes(packet_buffer().view[: left.octets]))

        self.relay.take(take)
        return found

    def decrypt(self) -> None:
        """Have RTP taken for genuine; it stays as it is."""
        helper = native()
        assert helper is not None
        self._unchanged = helper.ffi.callback("int(void *, void *, int *)", lambda session, packet, octets: 0)
        with gate():
            self.relay.struct.protect = self.relay.struct.unprotect = helper.ffi.cast("uintptr_t", self._unchanged)
            self.inlet.srtp = 1

    def hear(self, hear: Callable[[OpusPacket], None]) -> int:
        """Open a lane for sound from number 0 on; it goes back where it came from."""
        helper = native()
        assert helper is not None
        self.decrypt()
        self._outlet = helper.ffi.new("struct outlet *", {"fd": self.near.fileno()})
        self._lane = helper.ffi.new("struct lane *", {"open": 1, "heard": helper.hear(hear), "outlet": self._outlet})
        helper.write_address(self._outlet, socket.AF_INET, self.far.getsockname())
        with gate():
            self.inlet.lanes[0] = self._lane
        return int(self._lane.heard)

    def close(self) -> None:
        self.relay.forget(self.near.fileno())
        self.relay.close()
        self.near.close()
        self.far.close()


def until(true: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 20
    while not true():
        assert time.monotonic() < give_up_s
        time.sleep(0)
