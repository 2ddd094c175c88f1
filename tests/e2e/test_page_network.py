"""What a page says of its own network and of the other side's, and how it comes back after a break."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from server.model.consultation import Role
from server.model.events import ConnectionChanged, ParticipantAway, ParticipantJoined, QualityChanged
from tests.e2e.conftest import hurry, join_call
from tests.page import canned

pytestmark = pytest.mark.asyncio(loop_scope="session")
GOOD = {"rttMs": 30, "lossPercent": 0, "jitterMs": 5, "availableKbps": 2500, "short": False, "busy": False}
JUDGE = """async ([readings, circumstances]) => {
    const { Verdict } = await import('/static/js/verdict.js');
    const verdict = new Verdict();
    return readings.map((reading) => verdict.next(reading, circumstances));
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def module(stub, open_page):
    """Open a page without a call, to run the page's pure modules in."""
    return await open_page(f"{stub.address}/join")


async def _judged(page: Page, *readings: dict[str, Any], **circumstances: Any) -> list[dict[str, Any]]:
    full = [{**GOOD, **reading} for reading in readings]
    around = {"sendsPicture": True, "alone": False, "otherBars": None, **circumstances}
    return list(await page.evaluate(JUDGE, [full, around]))


def _kinds(judged: dict[str, Any]) -> list[str]:
    return [reason["kind"] for reason in judged["reasons"]]


async def test_each_fault_costs_bars_and_is_named(module):
    for patch, bars, kind, value in (
        ({}, 4, None, None),
        ({"lossPercent": 6}, 2, "loss", 6),
        ({"lossPercent": 1.4}, 3, "loss", 1),
        ({"rttMs": 620}, 1, "delay", 620),
        ({"jitterMs": 94}, 2, "jitter", 90),
        ({"availableKbps": 150, "short": True}, 2, "bandwidth", 150),
        ({"availableKbps": 150}, 4, None, None),
    ):
        last = (await _judged(module, *[{}] * 2, *[patch] * 16))[-1]
        assert last["bars"] == bars, patch
        assert _kinds(last) == ([kind] if kind else []), patch
        if kind:
            assert last["reasons"][0]["value"] == value


async def test_the_worst_reason_leads_and_a_slow_device_costs_no_bar(module):
    last = (await _judged(module, *[{"lossPercent": 2, "rttMs": 400, "busy": True}] * 4))[-1]
    assert last["bars"] == 2
    assert _kinds(last) == ["delay", "loss", "device"]
    last = (await _judged(module, *[{"busy": True}] * 4))[-1]
    assert (last["bars"], _kinds(last)) == (4, ["device"])


async def test_a_bit_rate_still_being_found_or_kept_low_on_purpose_is_no_fault(module):
    poor = {"availableKbps": 150, "short": True}
    assert {one["bars"] for one in await _judged(module, *[poor] * 8)} == {4}
    for unheard in ({"alone": True}, {"sendsPicture": False}):
        assert {one["bars"] for one in await _judged(module, *[poor] * 30, **unheard)} == {4}


async def test_too_little_bandwidth_is_blamed_on_the_side_that_has_other_trouble(module):
    poor = {"availableKbps": 150, "short": True}
    for patch, other, bars, told in (
        (poor, None, 2, 4),
        (poor, 4, 2, 4),
        (poor, 2, 4, 4),
        ({**poor, "rttMs": 200}, 2, 2, 2),
    ):
        last = (await _judged(module, *[patch] * 20, otherBars=other))[-1]
        assert (last["bars"], last["ownBars"]) == (bars, told), (patch, other)


async def test_bars_do_not_flicker_around_a_limit_and_come_back_when_it_is_over(module):
    noisy = [{"lossPercent": loss, "rttMs": rtt} for loss, rtt in ((2.2, 290), (3.8, 310))] * 20
    judged = await _judged(module, *noisy, *[{}] * 12)
    bars = [one["bars"] for one in judged]
    assert sum(one != other for one, other in itertools.pairwise(bars[:40])) <= 1
    assert bars[-1] == 4
    assert judged[-1]["reasons"] == []
    hiccup = [one["bars"] for one in await _judged(module, *[{}] * 5, {"rttMs": 400}, *[{}] * 5)]
    assert min(hiccup) >= 3, "one late answer is no unstable connection"


REPORTS = {
    "chromium": {
        "T": {"type": "transport", "dtlsState": "connected", "srtpCipher": "AES_CM", "selectedCandidatePairId": "P"},
        "P": {
            "type": "candidate-pair",
            "currentRoundTripTime": 0.05,
            "responsesReceived": 2,
            "availableOutgoingBitrate": 4e5,
            "localCandidateId": "L",
        },
        "L": {"type": "local-candidate", "candidateType": "relay", "relayProtocol": "tls"},
        "O": {"type": "outbound-rtp", "bytesSent": 250_000, "qualityLimitationDurations": {"bandwidth": 1.5, "cpu": 0}},
        "R": {"type": "remote-inbound-rtp", "fractionLost": 0.12},
        "V": {"type": "inbound-rtp", "kind": "video", "packetsReceived": 200, "packetsLost": -1, "framesDecoded": 50},
        "A": {"type": "inbound-rtp", "kind": "audio", "packetsReceived": 90, "packetsLost": 10, "jitter": 0.12},
    },
    "firefox": {
        "T": {"type": "transport", "dtlsState": "connected", "srtpCipher": "SRTP_AES_CM"},
        "P": {"type": "candidate-pair", "nominated": True, "currentRoundTripTime": 0.05, "localCandidateId": "L"},
        "L": {"type": "local-candidate", "candidateType": "host"},
        "O": {"type": "outbound-rtp", "bytesSent": 250_000},
        "A": {"type": "inbound-rtp", "kind": "audio", "packetsReceived": 90, "packetsLost": 10},
        "V": {"type": "inbound-rtp", "kind": "video", "framesDropped": 50},
    },
}
FIGURES = """async ([browsers, uplinks]) => {
    const { figuresOf, totalsOf } = await import('/static/js/stats.js');
    const pair = { type: 'candidate-pair', nominated: true, currentRoundTripTime: 0.02, responsesReceived: 1 };
    const start = totalsOf(new Map([['P', pair]]), 0, null);
    return Object.fromEntries(Object.entries(browsers).map(([name, reports]) => {
        const stats = new Map(Object.entries(reports));
        return [name, figuresOf(stats, totalsOf(stats, 2000, start), start, uplinks)];
    }));
}"""


async def test_what_browsers_report_becomes_figures(module):
    figures = await module.evaluate(FIGURES, [REPORTS, {"own": None, "other": None}])
    one, other = figures["chromium"], figures["firefox"]
    assert (one["rttMs"], one["lossPercent"], one["jitterMs"], one["availableKbps"]) == (50, 12, 30, 400)
    assert (one["relay"], one["short"], one["busy"], one["sendKbps"]) == ("tls", True, False, 1000)
    assert (other["rttMs"], other["lossPercent"], other["jitterMs"], other["availableKbps"]) == (50, 10, None, None)
    assert (other["relay"], other["short"], other["busy"], other["srtp"]) == ("", False, True, "SRTP_AES_CM")


@pytest.mark.parametrize(("own", "other", "percent"), [(0, 0.06, 0), (0.12, 0.1, 12), (0, 0, 10), (0, 0.02, 6)])
async def test_losses_on_the_other_sides_way_are_not_blamed_on_ones_own(module, own, other, percent):
    figures = await module.evaluate(FIGURES, [REPORTS, {"own": own, "other": other}])
    assert figures["chromium"]["lossPercent"] == pytest.approx(percent)


async def test_a_bad_network_is_shown_with_its_reason_and_what_helps_and_the_server_is_told_the_bars(stub, open_page):
    page = await join_call(stub, open_page, clock=True)
    await expect(page.locator("#quality")).to_have_attribute("aria-label", "Conexão excelente")
    assert [one["bars"] for one in await stub.told("quality", 1)] == [4]
    await page.evaluate("Object.assign(fakeMedia, { lossShare: 0.2, relay: 'tcp' })")
    await hurry(page, page.get_by_title("Conexão ruim: 20% dos pacotes se perdem").is_visible)
    await expect(page.locator('.states [data-state="self.poor.loss"]')).to_be_visible()
    await page.click("#quality")
    await expect(page.locator('dialog [data-reason="loss"]')).to_contain_text("use um cabo")
    await expect(page.locator('dialog [data-reason="relay"]')).to_contain_text("(TURN, TCP)")
    assert {"type", "bars"} == set((await stub.told("quality", 2))[-1])


async def test_after_a_break_the_way_back_is_counted_down_and_can_be_cut_short(stub, open_page):
    page = await join_call(stub, open_page, clock=True)
    stub.refuse_with = 4008
    await stub.hang_up(4008)
    notice = page.locator('.states [data-state="self.lost"]')
    # Later tries are far apart: none comes by itself before the click.
    await hurry(page, notice.get_by_text(re.compile(r"^Tentando de novo em [45] s…$")).is_visible)
    await expect(notice.locator('[role="status"]')).to_have_text("Sua conexão caiu.")
    tries = len(stub.of_type("join"))
    stub.refuse_with = None
    await page.click("#retry-now")
    await expect(notice).to_have_count(0)
    assert len(stub.of_type("join")) == tries + 1


# A connection that is still being made would become connected after it broke.
BREAK_WHEN_CONNECTED = """async () => {
    while (fakeMedia.connections.at(-1).connectionState !== 'connected') await new Promise((go) => setTimeout(go, 10));
    fakeMedia.connections.at(-1).become('disconnected');
}"""


async def test_a_media_connection_that_breaks_is_counted_down_and_made_anew(stub, open_page):
    page = await join_call(stub, open_page, clock=True)
    await page.evaluate(BREAK_WHEN_CONNECTED)
    notice = page.locator(".states .reconnect")
    await expect(notice.locator('[role="timer"]')).to_have_text(re.compile(r"^Tentando de novo em [1-3] s…$"))
    await page.click("#retry-now")
    await stub.told("offer", 2)
    await expect(notice).to_have_count(0)
    await page.evaluate(BREAK_WHEN_CONNECTED)
    await expect(notice).to_be_visible()
    await hurry(page, notice.is_hidden)
    await stub.told("offer", 3)


async def test_a_device_without_network_says_so_and_does_not_wait_to_find_out(stub, open_page):
    page = await join_call(stub, open_page, clock=True)
    await page.evaluate("dispatchEvent(new Event('offline'))")
    await page.wait_for_timeout(300)
    await expect(page.locator(".states .reconnect")).to_have_count(0)
    stub.deaf, stub.refuse_with = True, 4008
    await page.evaluate("dispatchEvent(new Event('offline'))")
    told = page.locator('.states [data-state="self.offline"]')
    await hurry(page, told.is_visible)
    await expect(told).to_contain_text("sem rede")
    stub.deaf, stub.refuse_with = False, None
    await stub.told("join", 2)
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(page.locator(".states .reconnect")).to_have_count(0)


async def test_the_other_sides_bad_network_is_shown_on_their_tile(stub, open_page):
    page = await join_call(stub, open_page)
    weak = page.locator(".name-chip .weak-mark")
    chip = page.locator('.states [data-state="peer.unstable"]')
    for bars, marked, told in ((2, True, False), (1, True, True), (3, False, False)):
        await stub.say(QualityChanged(at_s=canned.ROOM_S, role=Role.PATIENT, bars=bars))
        await expect(weak).to_be_visible(visible=marked)
        await expect(chip).to_have_count(int(told))
    assert await weak.get_attribute("aria-label") == "A conexão de Maria de Lourdes está instável"


async def test_how_long_a_seat_is_kept_for_somebody_who_is_away_is_counted_down(stub, open_page):
    page = await join_call(stub, open_page)
    kept = page.locator(".peer-kept")
    at: dict[str, Any] = {"at_s": canned.ROOM_S, "role": Role.PATIENT}
    await stub.say(ParticipantAway(**at, kept_until_s=canned.ROOM_S + 90), ConnectionChanged(**at, state="lost"))
    await expect(page.locator("#peer-state")).to_have_text("Maria de Lourdes está reconectando…")
    await expect(kept).to_have_text(re.compile(r"^O lugar fica guardado por mais 8\d s$"))
    joined = ParticipantJoined(**at, identity="patient-1", name="Maria de Lourdes", returned=True)
    await stub.say(joined, ConnectionChanged(**at, state="connected"))
    await expect(kept).to_be_hidden()
    await stub.say(ConnectionChanged(**at, state="lost"))
    await expect(page.locator("#peer-state")).to_be_visible()
    await expect(kept).to_be_hidden()
