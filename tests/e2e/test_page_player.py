"""The recording's player: it waits, plays, seeks by hand and by keyboard, and the transcript follows."""

from __future__ import annotations

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from server.model.consultation import Role
from tests.e2e.conftest import OpenPage, hurry, join_call
from tests.e2e.running import until
from tests.page import canned
from tests.page.stub import Stub

pytestmark = pytest.mark.asyncio(loop_scope="session")
EVIL = "<img src=x onerror=\"document.body.dataset.hurt='yes'\">"
EARS = "[...window.gains].map((gain) => Math.round(gain.gain.value))"
WATCH_GAINS = """() => { window.gains = [];
    const made = AudioContext.prototype.createGain;
    AudioContext.prototype.createGain = function () {
        const gain = made.call(this);
        window.gains.push(gain);
        return gain;
    };
    window.sounds = [];
    window.Audio = class extends Audio { constructor() { super(); window.sounds.push(this); } }; }"""


async def _end(stub: Stub, open_page: OpenPage, **options: object) -> Page:
    stub.events = canned.call()
    page = await join_call(stub, open_page, **options)
    await page.evaluate(WATCH_GAINS)
    await page.click("#end")
    await page.click("#confirm-end")
    await page.wait_for_selector('main[data-screen="after"]')
    return page


@pytest_asyncio.fixture(loop_scope="session")
async def summary(stub: Stub, open_page: OpenPage) -> Page:
    """The summary of a consultation whose recording is ready."""
    page = await _end(stub, open_page)
    await page.wait_for_selector("#player")
    return page


def _line(page: Page, number: int):
    return page.locator(f'#transcript [data-utterance="u{number}"]')


async def _until(page: Page, condition: str) -> None:
    async def holds() -> bool:
        return bool(await page.evaluate(condition))

    await until(holds)


async def _at(page: Page, second: int) -> None:
    await expect(page.locator("#seek")).to_have_attribute("aria-valuenow", str(second))


async def _for_tokens_alone(route: Route) -> None:
    if "authorization" in route.request.headers:
        await route.continue_()
    else:
        await route.fulfill(body=b"no sound", content_type="audio/ogg")


@pytest.mark.parametrize("size", [(390, 844), (1280, 800)], ids=str)
async def test_what_is_finished_is_shown_and_the_player_comes_by_itself(stub, open_page, size):
    stub.recording = ("finalizing", 0.0)
    page = await _end(stub, open_page, size=size)
    bar = page.locator("#finalizing")
    await expect(bar).to_be_visible()
    before = await page.locator("#transcript").bounding_box()
    stub.recording = ("finalizing", 0.42)
    await expect(page.locator("#recording")).to_contain_text("42%")
    assert await bar.evaluate("(bar) => bar.value") == pytest.approx(0.42)
    await expect(page.locator("#recordings li")).to_have_count(0)
    stub.recording = ("ready", 1.0)
    await expect(page.locator("#player")).to_be_visible()
    await expect(bar).to_have_count(0)
    await expect(page.locator("#recordings li")).to_have_count(3)
    after = await page.locator("#transcript").bounding_box()
    assert abs(after["y"] - before["y"]) <= 1
    assert after["height"] == pytest.approx(before["height"], abs=1)


async def test_a_recording_that_failed_is_said_and_may_still_come(stub, open_page):
    stub.recording = ("failed", 0.0)
    page = await _end(stub, open_page, clock=True)
    await expect(page.locator("#recording")).to_contain_text("Não foi possível concluir")
    await expect(page.locator("#finalizing")).to_be_hidden()
    stub.recording = ("ready", 1.0)
    await hurry(page, page.locator("#player").is_visible)


async def test_where_nothing_was_recorded_that_is_said(stub, open_page):
    stub.recording = ("none", 0.0)
    page = await _end(stub, open_page, clock=True)
    await hurry(page, page.get_by_text("Nada foi gravado.").is_visible)
    await expect(page.locator("#finalizing")).to_have_count(0)
    assert await page.locator("#transcript .line button").count() == 0


async def test_playing_moves_the_playhead_and_marks_who_speaks(stub, summary):
    await summary.focus("#seek")
    await summary.keyboard.press("ArrowRight")
    await _at(summary, 5)
    await summary.click("#play")
    await expect(_line(summary, 0)).to_have_attribute("aria-current", "true")
    left = "document.querySelector('.playhead').offsetLeft"
    before = await summary.evaluate(left)
    await expect(_line(summary, 1)).to_have_attribute("aria-current", "true")
    await expect(_line(summary, 0)).not_to_have_attribute("aria-current", "true")
    assert await summary.evaluate(left) > before
    await summary.click("#play")
    await expect(summary.locator("#play")).to_have_attribute("aria-label", "Ouvir")
    assert await summary.evaluate("window.sounds[0].paused")
    assert set(stub.asked) == {"mixed.ogg cookie"}


async def test_an_utterance_that_is_clicked_is_played_from_its_start(summary):
    await _line(summary, 4).locator(".line-text").click()
    await expect(_line(summary, 4)).to_have_attribute("aria-current", "true")
    assert 27 <= await summary.evaluate("window.sounds[0].currentTime") < 30
    assert not await summary.evaluate("window.sounds[0].paused")
    await _line(summary, 1).get_by_role("button").press("Enter")
    await expect(_line(summary, 1)).to_have_attribute("aria-current", "true")


async def test_the_keyboard_seeks_and_plays(summary):
    await summary.focus("#seek")
    for key, second in (
        ("PageUp", 30),
        ("ArrowLeft", 25),
        ("PageDown", 0),
        ("End", 60),
        ("ArrowDown", 55),
        ("Home", 0),
    ):
        await summary.keyboard.press(key)
        await _at(summary, second)
    await expect(summary.locator("#seek")).to_have_attribute("aria-valuetext", "00:00 de 01:00")
    await summary.keyboard.press("Space")
    await expect(summary.locator("#play")).to_have_attribute("aria-label", "Pausar")
    await summary.keyboard.press("Space")
    await expect(summary.locator("#play")).to_have_attribute("aria-label", "Ouvir")


async def test_a_drag_shows_where_it_goes_and_seeks_when_let_go(summary):
    box = await summary.locator("#seek").bounding_box()
    middle = box["y"] + box["height"] / 2
    await summary.mouse.move(box["x"] + box["width"] / 4, middle)
    await summary.mouse.down()
    await summary.mouse.move(box["x"] + box["width"] / 2 + 1, middle, steps=3)
    await _at(summary, 30)
    assert await summary.evaluate("window.sounds[0].currentTime") == 0
    await summary.mouse.up()
    await expect(summary.locator("#player-now")).to_have_text("00:30")
    assert await summary.evaluate("Math.round(window.sounds[0].currentTime)") == 30


async def test_it_goes_faster_when_asked(summary):
    await summary.select_option("#player-rate", "1.5")
    assert await summary.evaluate("window.sounds[0].playbackRate") == 1.5
    assert await summary.locator("#player-rate option").all_inner_texts() == ["1×", "1,25×", "1,5×", "2×"]


async def test_either_voice_can_be_heard_alone_in_both_ears_but_never_none(summary):
    clinician, patient = (summary.locator(f'.voice[data-role="{role}"]') for role in ("clinician", "patient"))
    await clinician.click()
    await expect(clinician).to_have_attribute("aria-pressed", "false")
    await _until(summary, f"({EARS}).join() === '0,0,1,1'")
    await patient.click()
    await expect(clinician).to_have_attribute("aria-pressed", "true")
    await expect(patient).to_have_attribute("aria-pressed", "false")
    await _until(summary, f"({EARS}).join() === '1,1,0,0'")
    await patient.click()
    await _until(summary, f"({EARS}).join() === '1,0,0,1'")


async def test_the_transcript_follows_unless_the_reader_went_elsewhere(stub, open_page):
    page = await _end(stub, open_page, size=(390, 844), reduced_motion="reduce")
    await page.wait_for_selector("#player")
    last = _line(page, 7)
    scroller = page.locator(".transcript-scroller")
    await _line(page, 0).click()
    await page.focus("#seek")
    await page.evaluate("window.sounds[0].currentTime = 44")
    await expect(last).to_have_attribute("aria-current", "true")
    await _until(page, "document.querySelector('.transcript-scroller').scrollTop > 50")
    await scroller.hover()
    await page.mouse.wheel(0, -4000)
    await _until(page, "document.querySelector('.transcript-scroller').scrollTop === 0")
    await page.evaluate("window.sounds[0].currentTime = 38.5")
    await expect(_line(page, 6)).to_have_attribute("aria-current", "true")
    assert await scroller.evaluate("(scroller) => scroller.scrollTop") == 0
    await page.click("#follow")
    await _until(page, "document.querySelector('.transcript-scroller').scrollTop > 50")
    await expect(page.locator("#follow")).to_be_hidden()


async def test_without_a_mixed_file_one_voice_is_heard_at_a_time(stub, open_page):
    stub.has_mix = stub.has_peaks = False
    page = await _end(stub, open_page)
    await page.wait_for_selector("#player")
    await _line(page, 1).click()
    await expect(_line(page, 1)).to_have_attribute("aria-current", "true")
    await page.click('.voice[data-role="patient"]')
    await expect(page.locator('.voice[data-role="clinician"]')).to_have_attribute("aria-pressed", "false")
    await _until(page, "window.sounds[0].src.endsWith('patient.ogg') && window.sounds[0].currentTime > 8")
    assert not await page.evaluate("window.sounds[0].paused")


async def test_a_browser_that_keeps_no_cookie_fetches_the_file_with_its_token(stub, open_page):
    stub.recording = ("finalizing", 0.5)
    page = await _end(stub, open_page)
    await page.route("**/recordings/mixed.ogg", _for_tokens_alone)
    stub.recording = ("ready", 1.0)
    await page.wait_for_selector("#player")
    await _line(page, 1).click()
    await expect(_line(page, 1)).to_have_attribute("aria-current", "true")
    await _until(page, "window.sounds[0].src.startsWith('blob:') && window.sounds[0].currentTime > 9")
    assert "mixed.ogg token" in stub.asked


async def test_whoever_comes_when_it_is_over_finds_all_of_it(stub, open_page):
    stub.events = canned.call()
    stub.refuse_with = 4005
    page = await open_page(stub.link())
    await page.click("#consent-yes")
    await page.click("#join")
    await page.wait_for_selector("#player")
    await expect(page.locator('.voice[data-role="patient"]')).to_contain_text("Maria de Lourdes")
    await expect(page.locator("#transcript .line")).to_have_count(len(canned.LINES))
    await expect(page.locator("#summary-tips .tip-line")).to_have_count(3)
    await expect(page.locator("#summary-chat .line")).to_have_count(2)


async def test_what_people_said_stays_text_when_it_is_played(stub, open_page, monkeypatch):
    monkeypatch.setitem(canned.NAMES, Role.PATIENT, EVIL)
    monkeypatch.setattr(canned, "LINES", ((Role.PATIENT, 4.0, EVIL),))
    stub.events = (canned.final(0),)
    page = await join_call(stub, open_page)
    await page.click("#end")
    await page.click("#confirm-end")
    await page.wait_for_selector("#player")
    await _line(page, 0).locator(".line-text").click()
    await expect(_line(page, 0)).to_have_attribute("aria-current", "true")
    assert EVIL in await _line(page, 0).inner_text()
    assert EVIL in await page.locator('.voice[data-role="patient"]').inner_text()
    assert await page.locator("img").count() == 0
    assert await page.evaluate("document.body.dataset.hurt") is None
