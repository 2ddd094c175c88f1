"""Everybody can use the page: axe finds nothing serious on any screen, in either language or colour scheme."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from server.model.consultation import Role
from server.model.events import QualityChanged
from tests.e2e.conftest import hurry
from tests.e2e.running import join
from tests.page import canned

pytestmark = pytest.mark.asyncio(loop_scope="session")
AXE = Path(__file__).parents[1] / "page/node_modules/axe-core/axe.min.js"
RUN_AXE = """async () => {
    const found = await axe.run(document, { resultTypes: ['violations'] });
    return found.violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => id + ': ' + nodes.map(({ target, html }) => target.join(' ') + ' ' + html).join('; '));
}"""
SHOTS = (("pt", "light"), ("en", "dark"), ("pt", "dark"), ("en", "light"))


async def _check(page: Page, looks: tuple[tuple[str, str], ...] = SHOTS) -> None:
    assert AXE.is_file(), f"{AXE} is missing: run scripts/check, which installs it."
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    for language, scheme in looks:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.evaluate(
            "(language) => { document.querySelector(`[data-language=${language}]`)?.click(); }", language
        )
        assert await page.evaluate(RUN_AXE) == [], (language, scheme)


async def test_nolink_is_accessible(stub, open_page):
    page = await open_page(f"{stub.address}/join")
    await page.wait_for_selector('main[data-screen="nolink"]')
    await _check(page)


async def test_prejoin_is_accessible(stub, open_page):
    page = await open_page(stub.link())
    await page.wait_for_selector("#preview")
    await _check(page)
    await page.fill("#name", "")
    await page.click("#join")
    await page.wait_for_selector("#name-problem")
    await _check(page, SHOTS[:1])


@pytest.mark.parametrize("role", ["clinician", "patient"])
async def test_call_and_summary_are_accessible(stub, open_page, role):
    stub.events = canned.call()
    page = await open_page(stub.link(role))
    await join(page)
    await page.wait_for_selector('#captions [data-utterance="u-now"]')
    # In the call the switch of language stands in the settings.
    await page.click("#toggle-settings")
    await _check(page)
    await page.keyboard.press("Escape")
    await _check(page, SHOTS[:2])
    await page.click("#toggle-chat")
    await _check(page, SHOTS[2:3])
    await page.click("#recording-state")
    await _check(page, SHOTS[1:2])
    await page.keyboard.press("Escape")
    await page.click("#end" if role == "clinician" else "#leave")
    if role == "clinician":
        await _check(page, SHOTS[:1])
        await page.click("#confirm-end")
    await page.wait_for_selector('main[data-screen="after"]')
    await page.wait_for_selector("#recordings li" if role == "clinician" else "#transcript li")
    await _check(page)


async def test_what_a_page_says_of_networks_is_accessible(stub, open_page):
    page = await open_page(stub.link(), size=(390, 844), clock=True)
    await join(page)
    await page.evaluate("Object.assign(fakeMedia, { lossShare: 0.2, relay: 'tcp' })")
    await stub.say(QualityChanged(at_s=canned.ROOM_S, role=Role.PATIENT, bars=1))
    await hurry(page, page.locator('.states [data-state="self.poor.loss"]').is_visible)
    await page.click("#quality")
    await _check(page, SHOTS[:2])
    await page.keyboard.press("Escape")
    await _check(page, SHOTS[:1])
    stub.refuse_with = 4008
    await stub.hang_up(4008)
    await page.wait_for_selector("#retry-now")
    await _check(page, SHOTS[:2])


async def test_call_on_a_phone_is_accessible(stub, open_page):
    stub.events = canned.call()
    page = await open_page(stub.link(), size=(390, 844))
    await join(page)
    await page.wait_for_selector('.tab-badge[data-urgent="true"]')
    await _check(page, SHOTS[:2])
    await page.click('.tab[data-tab="tips"]')
    await _check(page, SHOTS[:2])
    await page.click('.tab[data-tab="entities"]')
    await _check(page, SHOTS[2:3])


async def test_what_was_named_is_accessible_with_its_legend_and_explanation(stub, open_page):
    stub.events = canned.call()
    page = await open_page(stub.link())
    await join(page)
    await page.click("#open-entities")
    await page.locator(".entity-legend summary").click()
    await page.locator('#captions .entity[tabindex="0"]').focus()
    await page.get_by_role("tooltip").wait_for()
    await _check(page, SHOTS)
