"""The short way does to a packet what the long way does, or leaves it to that."""

from __future__ import annotations

import itertools
import socket
import time
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.media.description import ABS_SEND_TIME, AUDIO_LEVEL, MID, MediaLine
from server.media.layout import read_layout
from server.media.native import Native, gate, native
from server.media.offer import OfferedLine
from server.media.relay import DECRYPTED, Left, Relay
from server.media.rtp import RtpPacket, parse_rtp, write_extensions
from server.media.srtp_seam import packet_buffer
from tests.media.legs import VP8_DELTA, VP8_KEY, Side, pair

OTHER = "urn:something:else"
KNOWN = st.sampled_from([MID, ABS_SEND_TIME, AUDIO_LEVEL, OTHER])
EXTENSIONS = st.dictionaries(st.integers(1, 14), KNOWN, max_size=4)


class Wires:
    """The compiled helper between real sockets; what it is to encrypt and decrypt stays as it is.

    Read here and now, or by its thread.
    """

    def __init__(self, helper: Native, sender: Side, receiver: Side, *, threaded: bool = False) -> None:
        self._receiver = receiver
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
        for sock in self._sockets:
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        self._browser, self._inlet, outlet, self._sink = self._sockets
        self._unchanged = helper.ffi.callback("int(void *, void *, int *)", lambda session, packet, octets: 0)
        self._relay = Relay(helper)
        self._relay.struct.protect = self._relay.struct.unprotect = helper.ffi.cast("uintptr_t", self._unchanged)
        sender.transport.inlet.srtp = 1
        receiver.transport.outlet.fd = outlet.fileno()
        helper.write_address(receiver.transport.outlet, socket.AF_INET, self._sink.getsockname())
        self.passed_on = 0
        self._seen = 0
        self._inlet_struct = sender.transport.inlet
        self._threaded = threaded
        if threaded:
            self._relay.watch(self._inlet.fileno(), self._inlet_struct)
            self._relay.start()

    def put(self, sender: Side, *packets: bytes) -> None:
        for data in packets:
            self._browser.sendto(data, self._inlet.getsockname())
            self._seen += 1
            self._read()

        def take(fd: int, left: Left) -> None:
            assert (fd, left.kind, left.sender()) == (self._inlet.fileno(), DECRYPTED, self._browser.getsockname())
            self._collect()
            with gate():
                sender.packets.take_in_place(left.octets)
            self._collect()

        self._relay.take(take)
        self._collect()

    def _collect(self) -> None:
        """Write down what the helper sent, before what Python sends next."""
        try:
            while True:
                self._receiver.transport.rtp.append(parse_rtp(self._sink.recv(2048)))
                self.passed_on += 1
        except BlockingIOError:
            return

    def _read(self) -> None:
        if not self._threaded:
            self._relay.drain(self._inlet_struct, self._inlet.fileno())
            return
        until_s = time.monotonic() + 10
        while self._relay.struct.seen < self._seen and time.monotonic() < until_s:
            time.sleep(0.0002)
        with gate():  # the packet that was seen is dealt with
            assert self._relay.struct.seen == self._seen

    def close(self) -> None:
        self._relay.close()
        for sock in self._sockets:
            sock.close()


def put(side: Side, data: bytes) -> None:
    """Hand a packet over as the wire does."""
    packet_buffer().view[: len(data)] = data
    side.packets.take_in_place(len(data))


def lines(side: Side, extensions: dict[int, str], mid: str) -> None:
    """Negotiate `side` again."""
    base = side.base
    side.leg.agree(
        (
            MediaLine("audio", mid, {111: "opus"}, extensions=extensions, ssrcs=(base + 11,), cname="us"),
            MediaLine("video", "v", {96: "VP8"}, {97: 96}, extensions, (base + 12,), {base + 13: base + 12}),
        ),
        (OfferedLine("audio", mid, (base + 1,), {}), OfferedLine("video", "v", (base + 2,), {base + 3: base + 2})),
    )


packets = st.builds(
    RtpPacket,
    payload_type=st.sampled_from([96, 96, 96, 111, 111, 97, 100]),
    sequence_number=st.integers(0, 6),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.sampled_from([1001, 1002, 1002, 1003]),
    payload=st.sampled_from([VP8_KEY, VP8_DELTA, b"", b"\x00\x03\x10\x01again"]),
    marker=st.booleans(),
    extensions=st.lists(
        st.tuples(st.integers(1, 15), st.sampled_from([b"a", b"0", b"abc", b"\x00", b"x" * 17])), max_size=3
    ).map(tuple),
    padding=st.sampled_from([0, 0, 0, 4]),
)
ordered = st.builds(
    lambda some, kinds: [
        RtpPacket(96 if video else 111, 1000 + i, p.timestamp, 1002 if video else 1001, p.payload, p.marker, e)
        for i, (p, (video, e)) in enumerate(zip(some, kinds, strict=False))
    ],
    st.lists(packets, min_size=8, max_size=30),
    st.lists(
        st.tuples(
            st.just(True),
            st.lists(st.tuples(st.integers(1, 6), st.sampled_from([b"a", b"0", b"abc"])), max_size=3).map(tuple),
        ),
        min_size=8,
        max_size=30,
    ),
)


WAYS = ("long", "short", "native", "thread") if native() is not None else ("long", "short")


def outcome(way, sent, theirs, ours, mid):
    """Send packets one way; return all that anybody could see afterwards."""
    sender, receiver, clock = pair()
    lines(sender, theirs, "a")
    lines(receiver, ours, mid)
    for forwarder in (receiver.leg.outbound["audio"].forwarder, receiver.leg.outbound["video"].forwarder):
        forwarder.continuity.__init__(90_000, 40_000, 7)
    wires = Wires(native(), sender, receiver, threaded=way == "thread") if way in ("native", "thread") else None
    for packet in [RtpPacket(96, 999, 0, 1002, VP8_KEY), RtpPacket(111, 999, 0, 1001, b"x"), *sent]:
        clock[0] += 0.02
        if way == "long":
            sender.packets.take(packet.write())
        elif wires is None:
            put(sender, packet.write())
        else:
            wires.put(sender, packet.write())
    if wires is not None:
        wires.close()
    stats = [side.leg.kind_stats(kind) for side in (sender, receiver) for kind in ("audio", "video")]
    history = receiver.leg.outbound["video"].history
    ring = [history.resend(number, clock[0]) for number in range(40_000, 40_040) if number in history]
    heard = [replace(packet, arrival_s=0) for packet in sender.listener.audio]
    return receiver.transport.rtp, sender.transport.rtcp, heard, stats, ring


@given(st.one_of(ordered, st.lists(packets, max_size=40)), EXTENSIONS, EXTENSIONS, st.sampled_from(["a", "0", "mid"]))
@example([RtpPacket(111, n, n, 1001, b"x", extensions=((1, b"a"),)) for n in range(9)], {1: MID}, {2: MID}, "0")
def test_short_and_long_way_end_alike(sent, theirs, ours, mid):
    ends = [outcome(way, sent, theirs, ours, mid) for way in WAYS]
    for end in ends[1:]:
        assert end == ends[0]


def by_stream(sent: list[RtpPacket]) -> dict[int, list[RtpPacket]]:
    return {ssrc: [packet for packet in sent if packet.ssrc == ssrc] for ssrc in {packet.ssrc for packet in sent}}


@given(st.one_of(ordered, st.lists(packets, max_size=40)), EXTENSIONS, EXTENSIONS)
def test_packets_that_waited_for_python_end_like_those_that_did_not(sent, theirs, ours):
    ends = []
    for waiting in (False, True) if native() is not None else (False,):
        sender, receiver, _ = pair()
        lines(sender, theirs, "a")
        lines(receiver, ours, "mid")
        for forwarder in (receiver.leg.outbound["audio"].forwarder, receiver.leg.outbound["video"].forwarder):
            forwarder.continuity.__init__(90_000, 40_000, 7)
        data = [p.write() for p in (RtpPacket(96, 999, 0, 1002, VP8_KEY), RtpPacket(111, 999, 0, 1001, b"x"), *sent)]
        if waiting:
            wires = Wires(native(), sender, receiver, threaded=True)
            wires.put(sender, *data)
            wires.close()
        else:
            for one in data:
                sender.packets.take(one)
        stats = [side.leg.kind_stats(kind) for side in (sender, receiver) for kind in ("audio", "video")]
        heard = [replace(packet, arrival_s=0) for packet in sender.listener.audio]
        ends.append((by_stream(receiver.transport.rtp), sender.transport.rtcp, heard, stats))
    assert ends[0] == ends[-1]


def test_the_usual_packets_do_go_the_short_way():
    sender, _, _ = pair()
    taken = []
    take, sender.packets.take = sender.packets.take, lambda data: (taken.append(data), take(data))
    for number in range(100):
        put(sender, RtpPacket(96, (65500 + number) & 0xFFFF, number, 1002, VP8_KEY, extensions=((1, b"a"),)).write())
        put(sender, RtpPacket(111, number, number, 1001, b"sound", extensions=((1, b"a"),)).write())
    assert len(taken) == 2
    assert [packet.payload for packet in sender.listener.audio] == [b"sound"] * 100


def test_the_helper_takes_the_usual_packets_by_itself():
    helper = native()
    if helper is None:
        assert WAYS == ("long", "short")
        return
    sender, receiver, clock = pair()
    wires = Wires(helper, sender, receiver)
    python = []
    take, sender.packets.take_in_place = sender.packets.take_in_place, lambda n: (python.append(n), take(n))
    for number in range(100):
        clock[0] += 0.01
        extensions = ((1, b"a"),)
        wires.put(sender, RtpPacket(96, (65500 + number) & 0xFFFF, number, 1002, VP8_KEY, False, extensions).write())
        wires.put(sender, RtpPacket(111, number, number, 1001, b"sound", True, extensions).write())
    wires.close()
    # Each stream's first packet opens the lane, its second teaches the extensions.
    assert len(python) == 4
    assert wires.passed_on == 196
    assert [packet.sequence_number for packet in sender.listener.audio] == list(range(100))
    assert all(abs(packet.arrival_s - 101) < 1.1 and packet.marker for packet in sender.listener.audio)
    assert sender.packets.last_rtp_s == pytest.approx(clock[0], abs=0.5)
    assert sender.leg.kind_stats("video").packets_in == receiver.leg.kind_stats("video").packets_out == 100


def test_what_was_left_while_python_was_away_does_not_keep_a_stream_from_the_short_way():
    helper = native()
    if helper is None:
        assert WAYS == ("long", "short")
        return
    sender, receiver, _ = pair()
    wires = Wires(helper, sender, receiver, threaded=True)
    python = []
    take, sender.packets.take_in_place = sender.packets.take_in_place, lambda n: (python.append(n), take(n))
    extensions = ((1, b"a"),)
    streams = [(96, 1002, VP8_KEY), (111, 1001, b"sound")]
    wires.put(
        sender,
        *(
            RtpPacket(payload_type, (65_500 + number) & 0xFFFF, number, ssrc, payload, False, extensions).write()
            for number in range(100)
            for payload_type, ssrc, payload in streams
        ),
    )
    # All was left before Python looked: of each stream it opens the lane and learns the extensions, no more.
    assert len(python) == 4
    assert [packet.timestamp for packet in sender.listener.audio] == list(range(100))
    for payload_type in (96, 111):
        sent = [packet for packet in receiver.transport.rtp if packet.payload_type == payload_type]
        steps = {(b.sequence_number - a.sequence_number) & 0xFFFF for a, b in itertools.pairwise(sent)}
        assert (len(sent), steps) == (100, {1})
    wires.put(sender, RtpPacket(96, 64, 100, 1002, VP8_KEY, False, extensions).write())
    assert len(python) == 4
    wires.close()


def test_another_source_and_another_listener_end_the_short_way():
    sender, receiver, clock = pair()
    other = Side(3000, clock)
    for number in range(3):
        put(sender, RtpPacket(111, number, 0, 1001, b"x").write())
    receiver.leg.listen_to(other.leg)
    put(sender, RtpPacket(111, 3, 0, 1001, b"x").write())
    assert len(receiver.transport.rtp) == 3
    receiver.leg.listen_to(sender.leg)
    other.leg.listen_to(sender.leg)
    put(sender, RtpPacket(111, 4, 0, 1001, b"x").write())
    put(sender, RtpPacket(111, 5, 0, 1001, b"x").write())
    assert (len(receiver.transport.rtp), len(other.transport.rtp)) == (5, 2)
    sender.leg.part()
    put(sender, RtpPacket(111, 6, 0, 1001, b"x").write())
    assert (len(receiver.transport.rtp), len(other.transport.rtp)) == (5, 2)


@given(st.binary(max_size=60), st.booleans())
def test_no_decrypted_bytes_raise(data, known):
    sender, _, _ = pair()
    put(sender, RtpPacket(96, 1, 0, 1002, VP8_KEY).write())
    put(sender, (b"\x90\x60\x00\x02" + bytes(4) + (1002).to_bytes(4, "big") if known else b"") + data)


@given(EXTENSIONS, EXTENSIONS, st.dictionaries(st.integers(1, 14), st.binary(min_size=1, max_size=16), max_size=4))
def test_a_layout_says_what_the_forwarder_would_write(theirs, ours, values):
    if not values:
        return
    block = write_extensions(tuple(values.items()))
    known = {uri: number for number, uri in ours.items()}
    layout = read_layout(block, theirs, known, b"abc")
    if layout is None:
        assert any(theirs.get(number) == MID and len(value) != 3 for number, value in values.items())
        return
    number = int.from_bytes(block, "big")
    assert number & layout.mask == layout.expected
    changed = (number & layout.keep | layout.fixed).to_bytes(len(block), "big")
    if layout.same:
        assert changed == block
    packet = parse_rtp(b"\x90" + bytes(11) + changed)
    expected = [
        (known[theirs[n]], b"abc" if theirs[n] == MID else value)
        for n, value in values.items()
        if theirs.get(n) in known and theirs[n] != OTHER
    ]
    assert list(packet.extensions) == expected
