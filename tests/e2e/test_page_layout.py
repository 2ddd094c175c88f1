"""The page fits: nothing runs over at the side and every control is in sight, from a phone to a large screen."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.e2e.running import join
from tests.page import canned

pytestmark = pytest.mark.asyncio(loop_scope="session")
SIZES = [(390, 844), (1280, 800), (1920, 1080)]
VIOLATIONS = (
    "window.violations = []; addEventListener('securitypolicyviolation', (e) => violations.push(e.blockedURI));"
)
RUNS_OVER = """() => [...document.querySelectorAll('body *')]
    .filter((one) => one.checkVisibility() && !one.closest('.visually-hidden, .skip'))
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.outerHTML.slice(0, 120))"""


async def _fits(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.evaluate(RUNS_OVER) == []
    assert await page.evaluate("window.violations ?? []") == []


async def _in_sight(page: Page, *selectors: str) -> None:
    for selector in selectors:
        box = await page.locator(selector).bounding_box()
        assert box is not None, selector
        width, height = page.viewport_size["width"], page.viewport_size["height"]
        assert box["x"] >= 0, selector
        assert box["y"] >= 0, selector
        assert box["x"] + box["width"] <= width + 1, selector
        assert box["y"] + box["height"] <= height + 1, selector


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_every_screen_fits_and_shows_its_controls(stub, open_page, size):
    stub.events = canned.call()
    page = await open_page("about:blank", size=size)
    await page.add_init_script(VIOLATIONS)
    await page.goto(f"{stub.address}/join")
    await page.wait_for_selector('main[data-screen="nolink"]')
    await _fits(page)
    await page.goto("about:blank")
    await page.goto(stub.link())
    await page.wait_for_selector("#preview")
    await _fits(page)
    await join(page)
    await page.wait_for_selector('#captions [data-utterance="u-now"]', state="attached")
    await _fits(page)
    names = ("microphone", "camera", "screen", "captions", "chat", "settings")
    controls = [f"#toggle-{name}" for name in names]
    await _in_sight(page, *controls, "#leave", "#end", "#recording-state", "#encryption", "#quality", "#remote-video")
    await page.click("#toggle-chat")
    await _in_sight(page, "#chat-input", "#chat-send", "#end")
    await _fits(page)
    await page.click("#end")
    await page.click("#confirm-end")
    await page.wait_for_selector("#recordings li")
    await _fits(page)


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_an_urgent_tip_shows_whole_with_its_words_and_buttons(stub, open_page, size):
    stub.events = canned.call()
    page = await open_page(stub.link(), size=size)
    await join(page)
    if size[0] < 860:
        await page.click('.tab[data-tab="tips"]')
    await page.wait_for_selector("#tips .urgent .evidence")
    inside = await page.evaluate("""() => {
        const panel = document.querySelector('.tips-panel .scroller').getBoundingClientRect();
        const parts = document.querySelectorAll('#tips .urgent :is(.tip-text, .evidence, .mark)');
        return [...parts].map((part) => part.getBoundingClientRect().bottom <= panel.bottom);
    }""")
    assert inside == [True] * 5


async def test_captions_keep_room_however_many_tips_there_are(stub, open_page):
    more = [canned.tip(f"m{number}", "Pergunte desde quando. " * 6) for number in range(6)]
    stub.events = (*canned.call(), *more)
    page = await open_page(stub.link())
    await join(page)
    await page.wait_for_selector('[data-tip="m5"]', state="attached")
    box = await page.locator(".captions-panel .scroller").bounding_box()
    assert box["height"] >= 120
