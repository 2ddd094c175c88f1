"""Offers read without trust."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from server.media.offer import read_offer
from server.model.errors import InvalidOffer
from tests.media.browser import new_peer

FIXTURES = Path(__file__).parents[1] / "fixtures" / "media"
CHROMIUM = (FIXTURES / "chromium_offer.sdp").read_bytes().decode()
FIREFOX = (FIXTURES / "firefox_offer.sdp").read_bytes().decode()


def without(text: str, start: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(start))


HOSTILE = {
    "empty": "",
    "no SDP": "hello",
    "only a version": "v=0\r\n",
    "too long": CHROMIUM + "a=x\r\n" * 20_000,
    "binary": "v=0\r\n\x00\xff",
    "line separators": CHROMIUM.replace("a=mid:0", "a=mid:0\u2028a=setup:holdconn"),
    "vertical tab": CHROMIUM.replace("a=mid:0", "a=mid:0\x0ba=setup:holdconn"),
    "a thousand lines of media": CHROMIUM + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" * 1000,
    "data channel": CHROMIUM.replace("m=video", "m=application"),
    "two audio lines": CHROMIUM.replace("m=video", "m=audio"),
    "no encryption": CHROMIUM.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
    "rejected line": CHROMIUM.replace("m=video 9", "m=video 0"),
    "rejected line of Firefox": without(FIREFOX, "a=bundle-only"),
    "no bundle": without(CHROMIUM, "a=group"),
    "bundle of others": CHROMIUM.replace("BUNDLE 0 1", "BUNDLE 0 7"),
    "one mid twice": CHROMIUM.replace("a=mid:1", "a=mid:0").replace("BUNDLE 0 1", "BUNDLE 0 0"),
    "no mid": without(CHROMIUM, "a=mid"),
    "no fingerprint": without(CHROMIUM, "a=fingerprint"),
    "short fingerprint": CHROMIUM.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-512 "),
    "weak fingerprint": CHROMIUM.replace("a=fingerprint:sha-256 ", "a=fingerprint:md5 "),
    "unknown setup": CHROMIUM.replace("a=setup:actpass", "a=setup:holdconn"),
    "no setup": without(CHROMIUM, "a=setup"),
    "no ICE name": without(CHROMIUM, "a=ice-ufrag"),
    "no ICE password": without(CHROMIUM, "a=ice-pwd"),
    "endless ICE name": CHROMIUM.replace("a=ice-ufrag:", "a=ice-ufrag:" + "x" * 300),
    "separate RTCP": without(CHROMIUM, "a=rtcp-mux"),
    "no codecs": without(CHROMIUM, "a=rtpmap"),
    "payload types of RTCP": CHROMIUM.replace("SAVPF 111 ", "SAVPF 72 ").replace("a=rtpmap:111", "a=rtpmap:72"),
    "payload type 999": CHROMIUM.replace("SAVPF 111 ", "SAVPF 9999 "),
    "another video codec": CHROMIUM.replace("VP8/90000", "VP7/90000").replace("H264/90000", "H265/90000"),
    "H.264 of no known profile": CHROMIUM.replace("VP8/90000", "VP7/90000").replace(
        "profile-level-id=", "profile-level-id=zz"
    ),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_offer_is_refused_with_one_sentence(text):
    peer = new_peer()
    with pytest.raises(InvalidOffer) as refusal:
        await peer.answer(text)
    sentence = str(refusal.value)
    assert sentence.endswith(".")
    assert len(sentence) < 200
    assert "\n" not in sentence
    await peer.close()


def mutated(number: int) -> str:
    """Return the browser's offer with a few lines dropped, doubled, swapped, cut or overwritten."""
    chance = random.Random(number)
    lines = CHROMIUM.split("\r\n")
    for _ in range(chance.randint(1, 6)):
        place, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(6):
            case 0:
                del lines[place]
            case 1:
                lines.insert(other, lines[place])
            case 2:
                lines[place], lines[other] = lines[other], lines[place]
            case 3:
                lines[place] = lines[place][: chance.randint(0, len(lines[place]))]
            case 4:
                lines[place] = lines[place].replace(":", " ", 1).replace("=", chance.choice(["", "==", "=-1 "]), 1)
            case 5:
                lines[place] += chance.choice([" 99999999999", ";=", "/", " 0x0", ":" * 40, "-1"])
    return "\r\n".join(lines)


async def test_two_hundred_mutated_offers_are_answered_or_refused_and_leave_nothing_behind():
    answered = refused = 0
    for number in range(200):
        peer = new_peer()
        try:
            answer = await peer.answer(mutated(number))
            assert answer.startswith("v=0")
            answered += 1
        except InvalidOffer:
            refused += 1
        await peer.close()
        assert peer.stats().hook_errors == 0
    assert answered > 50
    assert refused > 20


def test_what_is_not_needed_does_not_reach_aiortc():
    offer = read_offer(
        CHROMIUM.replace("a=mid:0", "a=mid:0\r\na=candidate:1 1 udp 1 evil.local 9 typ host\r\na=end-of-candidates")
    )
    for left_out in ("candidate", "a=ssrc", "msid", "transport-cc", "red/48000", "AV1", "rid", "fmtp:111"):
        assert left_out not in offer.text
    assert "VP8/90000" in offer.text
    assert [(line.kind, line.mid, len(line.ssrcs), len(line.rtx_ssrcs)) for line in offer.lines] == [
        ("audio", "0", 1, 0),
        ("video", "1", 1, 1),
    ]


async def test_the_answer_asks_for_opus_with_error_correction_and_prefers_vp8():
    peer = new_peer()
    answer = await peer.answer(CHROMIUM.replace("SAVPF 96 97", "SAVPF 102 103 96 97"))
    await peer.close()
    assert "a=fmtp:111 minptime=10;useinbandfec=1\r\n" in answer
    assert "a=fmtp:96 x-google-start-bitrate=800\r\n" in answer
    video = answer.partition("m=video")[2]
    order = [line.split(" ")[1] for line in video.splitlines() if line.startswith("a=rtpmap")]
    assert order[0] == "VP8/90000"
    assert "H264/90000" in order
    assert {name.partition("/")[0] for name in order} == {"VP8", "H264", "rtx"}
    assert answer.count("a=sendrecv") == 2
    assert "goog-remb" in video
    assert "nack pli" in video


async def test_firefox_is_answered_though_its_video_line_lives_in_the_bundle_alone():
    assert "m=video 0 " in FIREFOX
    peer = new_peer()
    answer = await peer.answer(FIREFOX)
    await peer.close()
    assert answer.count("a=sendrecv") == 2
    for wanted in (
        "a=rtpmap:109 opus/48000/2",
        "a=rtpmap:120 VP8/90000",
        "a=fmtp:124 apt=120",
        "a=rtcp-fb:120 goog-remb",
    ):
        assert f"{wanted}\r\n" in answer
    assert [(line.kind, len(line.ssrcs), len(line.rtx_ssrcs)) for line in read_offer(FIREFOX).lines] == [
        ("audio", 1, 0),
        ("video", 1, 1),
    ]


async def test_h264_serves_where_vp8_is_not_offered():
    peer = new_peer()
    answer = await peer.answer(CHROMIUM.replace("VP8/90000", "VP7/90000"))
    await peer.close()
    assert "H264/90000" in answer
    assert "VP8" not in answer


@pytest.mark.parametrize(("offered", "answered"), [("recvonly", "sendonly"), ("sendonly", "recvonly")])
async def test_one_way_media_is_answered_so(offered, answered):
    peer = new_peer()
    answer = await peer.answer(CHROMIUM.replace("a=sendrecv", f"a={offered}"))
    await peer.close()
    assert answer.count(f"a={answered}") == 2


async def test_audio_alone_is_answered():
    peer = new_peer()
    answer = await peer.answer(CHROMIUM.partition("m=video")[0].replace("BUNDLE 0 1", "BUNDLE 0"))
    await peer.close()
    assert answer.count("m=") == 1


async def test_a_second_offer_that_restarts_ice_or_reorders_lines_is_refused():
    peer = new_peer()
    await peer.answer(CHROMIUM)
    for changed in ("a=ice-ufrag:other", "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)):
        name = changed.partition(":")[0]
        text = "\r\n".join(changed if line.startswith(name) else line for line in CHROMIUM.split("\r\n"))
        with pytest.raises(InvalidOffer, match="new connection"):
            await peer.answer(text)
    with pytest.raises(InvalidOffer, match="order"):
        await peer.answer(CHROMIUM.replace("a=mid:0", "a=mid:9").replace("BUNDLE 0 1", "BUNDLE 9 1"))
    await peer.answer(CHROMIUM)
    await peer.close()
    with pytest.raises(InvalidOffer, match="closed"):
        await peer.answer(CHROMIUM)
