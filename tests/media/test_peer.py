"""Real connections on loopback: two clients through two peers."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading

import pytest

from server.media import native, rtcp
from tests.media.browser import Browser, Listener, closing, cross, new_peer


@pytest.fixture(autouse=True, params=["helper", "python"])
def way(request, monkeypatch):
    """With the compiled helper, if there is one, and without."""
    if request.param == "python":
        monkeypatch.setattr(native._helpers, "native", None)


async def test_both_sides_receive_payloads_unchanged_and_in_sequence():
    listener = Listener()
    peers, browsers = (new_peer(listener), new_peer()), (Browser(), Browser())
    cross(*peers)
    async with closing(*browsers, *peers):
        for browser, peer in zip(browsers, peers, strict=True):
            await browser.connect(peer)
        for browser, other in (browsers, browsers[::-1]):
            for kind, count in (("audio", 50), ("video", 20)):
                await browser.until(lambda b=browser, k=kind, c=count: len(b.received[k]) >= c)
                received = browser.received[kind]
                sent = [packet.payload for packet in other.sent[kind]]
                start = sent.index(received[0].payload)
                assert [packet.payload for packet in received] == sent[start : start + len(received)]
                numbers = [(packet.sequence_number - received[0].sequence_number) & 0xFFFF for packet in received]
                assert numbers == list(range(len(received)))
                assert len({packet.ssrc for packet in received}) == 1
        assert listener.audio
        assert listener.states == ["connecting", "connected"]
        await browsers[1].until(lambda: any(isinstance(m, rtcp.SenderInfo) for m in browsers[1].received_control))
        await browsers[0].until(lambda: bool(listener.reports))
        assert peers[0].last_rtp_s is not None
        for peer in peers:
            stats = peer.stats()
            assert (stats.hook_errors, stats.send_errors, stats.malformed, stats.unknown) == (0, 0, 0, 0)
            assert min(stats.audio.packets_in, stats.audio.packets_out, stats.video.packets_out) > 0
    assert listener.states == ["connecting", "connected", "closed"]


async def test_nothing_is_decoded_encoded_or_polled():
    before = {thread.name for thread in threading.enumerate()}
    listener, browser = Listener(), Browser()
    peer = new_peer(listener)
    async with closing(browser, peer):
        await browser.connect(peer)
        await listener.until(lambda: len(listener.audio) >= 20)
        decoders = [t.name for t in threading.enumerate() if t.name.endswith("-decoder") and t.name not in before]
        assert len(decoders) <= 2, "the client's own two decoders, none of the server's"
        for transceiver in peer._transport._pc.getTransceivers():
            track = transceiver.receiver.track
            assert track is None or track._queue.qsize() == 0
        senders = [task for task in asyncio.all_tasks() if "RTCRtpSender._run_rtp" in repr(task)]
        assert len(senders) <= 2, "the client's own two senders, none of the server's"


async def test_a_client_that_returns_continues_the_streams_the_other_sees():
    peers, browsers = [new_peer(), new_peer()], [Browser(), Browser()]
    cross(*peers)
    returned, new = Browser(), new_peer()
    other = browsers[1]
    async with closing(*browsers, *peers, returned, new):
        for browser, peer in zip(browsers, peers, strict=True):
            await browser.connect(peer)
        await other.until(lambda: len(other.received["audio"]) >= 25 and len(other.received["video"]) >= 10)
        await browsers[0].close()
        await peers[0].close()
        counts = {kind: len(other.received[kind]) for kind in ("audio", "video")}
        await returned.connect(new)
        cross(new, peers[1])
        await other.until(lambda: all(len(other.received[kind]) >= n + 10 for kind, n in counts.items()))
        for kind in ("audio", "video"):
            packets = other.received[kind]
            assert len({packet.ssrc for packet in packets}) == 1
            steps = {(b.sequence_number - a.sequence_number) & 0xFFFF for a, b in itertools.pairwise(packets)}
            assert steps == {1}
            stamps = [(packet.timestamp - packets[0].timestamp) & 0xFFFFFFFF for packet in packets]
            assert stamps == sorted(stamps)
        await returned.until(lambda: len(returned.received["video"]) >= 5)


async def test_a_late_receiver_asks_the_publisher_for_a_key_frame_and_starts_with_it():
    publisher, late = Browser(), Browser(sending=False)
    peers = [new_peer(), new_peer()]
    async with closing(publisher, late, *peers):
        await publisher.connect(peers[0])
        await publisher.until(lambda: len(publisher.sent["video"]) >= 10)
        peers[1].listen_to(peers[0])
        await late.connect(peers[1])
        await late.until(lambda: len(late.received["video"]) >= 5 and len(late.received["audio"]) >= 5)
        assert any(isinstance(message, rtcp.KeyFrameRequest) for message in publisher.received_control)
        first = late.received["video"][0].payload
        sent = [packet.payload for packet in publisher.sent["video"]]
        assert sent.index(first) > 5
        assert peers[1].stats().video.packets_in == 0


async def test_switching_away_stops_the_media_and_switching_back_resumes_it():
    publisher, receiver = Browser(), Browser(sending=False)
    peers = [new_peer(), new_peer()]
    async with closing(publisher, receiver, *peers):
        await publisher.connect(peers[0])
        await receiver.connect(peers[1])
        peers[1].listen_to(peers[0])
        await receiver.until(lambda: len(receiver.received["audio"]) >= 5)
        peers[1].listen_to(None)
        sent = peers[1].stats().audio.packets_out
        seen = len(publisher.sent["audio"])
        await publisher.until(lambda: len(publisher.sent["audio"]) >= seen + 10)
        assert peers[1].stats().audio.packets_out == sent
        peers[1].listen_to(peers[0])
        await receiver.until(lambda: len(receiver.received["audio"]) >= sent + 5)


async def test_hostile_datagrams_do_not_disturb_the_call():
    peers, browsers = (new_peer(), new_peer()), (Browser(), Browser())
    cross(*peers)
    async with closing(*browsers, *peers):
        for browser, peer in zip(browsers, peers, strict=True):
            await browser.connect(peer)
        await browsers[1].until(lambda: len(browsers[1].received["audio"]) >= 5)
        dtls = browsers[0].pc.getTransceivers()[0].sender.transport
        address = dtls.transport._connection._nominated[1].remote_addr
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for junk in (b"", b"\x80", b"\x80" * 200, b"\x16\xfe\xfd" + bytes(40), bytes(1400), b"\xff" * 30):
                stranger.sendto(junk, address)
        protected, udp = dtls._tx_srtp, dtls.transport._connection
        for rtp in (b"\xb0\x60" + bytes(10) + b"\xbe\xde\x00\x01\x3f\x00\x00\x00", b"\xa0\x60" + bytes(10) + b"\xff"):
            await udp.send(protected.protect(rtp))
        for body in ("85c80001", "8fce0001", "9fc90001", "81cd0001"):
            await udp.send(protected.protect_rtcp(bytes.fromhex(body) + (7).to_bytes(4, "big")))
        before = len(browsers[1].received["audio"])
        await browsers[1].until(lambda: len(browsers[1].received["audio"]) >= before + 20)
        stats = peers[0].stats()
        assert stats.malformed >= 4
        assert stats.dropped_in >= 1
        assert stats.hook_errors == 0


async def test_a_failing_hook_is_counted_and_the_call_goes_on():
    listener, browser = Listener(), Browser()
    peer = new_peer(listener)
    async with closing(browser, peer):
        await browser.connect(peer)
        await listener.until(lambda: len(listener.audio) >= 5)
        take, failed = peer._packets.take, []

        def fail_once(data: bytes) -> None:
            peer._packets.take = take
            failed.append(data)
            raise ConnectionError("the other leg is gone")

        peer._packets.take = fail_once
        heard = len(listener.audio)
        await listener.until(lambda: len(listener.audio) >= heard + 10)
        assert failed
        assert peer.stats().hook_errors == 1


async def test_a_leg_that_cannot_send_does_not_disturb_the_leg_whose_packets_it_gets():
    listener = Listener()
    peers, browsers = (new_peer(listener), new_peer()), (Browser(), Browser(sending=False))
    cross(*peers)
    async with closing(*browsers, *peers):
        for browser, peer in zip(browsers, peers, strict=True):
            await browser.connect(peer)
        await browsers[1].until(lambda: len(browsers[1].received["audio"]) >= 5)
        dtls = peers[1]._transport._wire._dtls
        dtls._tx_srtp, session = None, dtls._tx_srtp
        peers[1]._transport._wire.close_outlet()
        heard = len(listener.audio)
        await listener.until(lambda: len(listener.audio) >= heard + 10)
        dtls._tx_srtp = session
        received = len(browsers[1].received["audio"])
        await browsers[1].until(lambda: len(browsers[1].received["audio"]) >= received + 5)
        assert peers[1].stats().send_errors >= 9
        assert peers[0].stats().hook_errors == 0
