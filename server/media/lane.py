"""The short way of a packet: its header is rewritten where it lies and it leaves, while nothing unusual happens.

What a lane does is what `PacketPath.take` and `Forwarder` do to the usual packet: the next in sequence, of the stream
forwarded last, with extensions as before. It refuses every other one, having done nothing.
"""

from __future__ import annotations

from ..model.audio import OpusPacket
from .inbound import Inbound
from .layout import BLOCK_HEADER_BYTES, Layout, read_layout
from .leg import Leg
from .native import native
from .native_lane import Ends, NativeLane, Numbers
from .rtp import HEADER
from .srtp_seam import packet_buffer
from .tap import Tap

PLAIN, EXTENDED = 0x80, 0x90
"""First bytes of an RTP packet without padding and CSRCs."""

NO_BLOCK = Layout(start=HEADER.size, mask=0, expected=0, keep=0, fixed=0, same=True)


class Lane:
    """From one payload type of one inbound line to the only listener. Holds until a negotiation or another source.

    `quiet`: nobody but the listener gets its packets.
    """

    def __init__(self, legs: tuple[Leg, Leg], inbound: Inbound, tap: Tap, payload_type: int) -> None:
        source, listener = legs
        self._now_s = source.now_s
        self._view = packet_buffer().view
        self._transport = listener.transport
        self._inbound = inbound
        self.quiet = inbound.line.kind != "audio"
        self._tap = None if self.quiet else tap
        self._outbound = listener.outbound[inbound.line.kind]
        self._forwarder = self._outbound.forwarder
        self._source = self._forwarder.source
        self._payload_type = self._forwarder.payload_type(inbound.line.codecs[payload_type]) or 0
        self._send = listener.transport.send_in_place
        self._layouts: dict[int, Layout] = {}
        self._native: NativeLane | None = None
        helper, inlet, outlet = native(), source.transport.inlet, listener.transport.outlet
        if helper is not None and inlet is not None and outlet is not None:
            self._native = NativeLane(helper, Ends(inlet, outlet), payload_type, self._outbound.history or self._hear)

    @property
    def current(self) -> bool:
        """The stream it was made for is still the one that is forwarded."""
        return self._forwarder.source is self._source

    def _hear(self, packet: OpusPacket) -> None:
        """Take sound that the helper passed on."""
        if self._tap is not None and packet.payload:
            packet.arrival_s = self._now_s() - packet.arrival_s
            self._tap.audio(packet)

    def settle(self, now_s: float) -> None:
        """Take back what the helper did; call it before anybody looks at what a lane counts or goes by."""
        passed = self._native.passed() if self._native is not None else None
        if passed is not None:
            at_s = now_s - passed.ago_s
            self._inbound.count(passed.octets, at_s, passed.packets)
            self._forwarder.continuity.advance(passed.packets, passed.newest_timestamp, at_s)
            self._outbound.counters.packets += passed.packets
            self._outbound.counters.octets += passed.octets

    def resume(self) -> None:
        """Let the helper take the packets that follow, if they may be usual ones; settle first."""
        if self._native is None:
            return
        ssrc, forwarder = self._inbound.ssrc, self._forwarder
        if ssrc is None or not self.current or self._inbound.unsettled or not self._transport.refresh_outlet():
            self._native.shut()
            return
        numbers = Numbers(ssrc, forwarder.ssrc, self._payload_type)
        self._native.open(forwarder.continuity, numbers, self._layouts.values())

    def end(self, now_s: float) -> None:
        """Settle for the last time."""
        self.settle(now_s)
        if self._native is not None:
            self._native.end()

    def forward(self, octets: int, now_s: float) -> bool:
        """Send the packet of that length in the buffer on its way; False if it is none for this lane."""
        view, inbound = self._view, self._inbound
        first, second, sequence_number, timestamp, ssrc = HEADER.unpack_from(view)
        if ssrc != inbound.ssrc or self._forwarder.source is not self._source or inbound.unsettled:
            return False
        layout = self._layout(octets) if first == EXTENDED else NO_BLOCK if first == PLAIN else None
        if layout is None:
            return False
        numbers = self._forwarder.continuity.follow(sequence_number, timestamp, now_s)
        if numbers is None:
            return False
        start = layout.start
        if not layout.same:
            block = int.from_bytes(view[HEADER.size : start], "big") & layout.keep | layout.fixed
            view[HEADER.size : start] = block.to_bytes(start - HEADER.size, "big")
        HEADER.pack_into(view, 0, first, second & 0x80 | self._payload_type, *numbers, self._forwarder.ssrc)
        inbound.count(octets - start, now_s)
        self._outbound.keep(numbers[0], octets - start, view[:octets])
        if self._tap is None:
            self._send(octets)
            return True
        # Encryption takes the payload's place.
        payload = bytes(view[start:octets])
        self._send(octets)
        if payload:
            self._tap.audio(OpusPacket(ssrc, sequence_number, timestamp, payload, now_s, second >= 0x80))
        return True

    def _layout(self, octets: int) -> Layout | None:
        """Return how to rewrite the extensions; a stream has a few ways to write them, known by their length."""
        view = self._view
        words = view[15]
        layout = self._layouts.get(words)
        if layout is not None and octets >= layout.start:
            block = int.from_bytes(view[HEADER.size : layout.start], "big")
            if block & layout.mask == layout.expected:
                return layout
        end = HEADER.size + BLOCK_HEADER_BYTES + 4 * words
        if octets < end or view[14]:
            return None
        line, forwarder = self._inbound.line, self._forwarder
        layout = read_layout(bytes(view[HEADER.size : end]), line.extensions, forwarder.extension_ids, forwarder.mid)
        if layout is not None:
            self._layouts[words] = layout
        return layout
