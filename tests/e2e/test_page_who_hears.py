"""Before joining, and in the call, the page says whether voices leave this server, and to whom."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import join_call

pytestmark = pytest.mark.asyncio(loop_scope="session")
SERVICE = "speech.eu-west.a-long-name-of-a-service.example.org"
SAYS = {
    "pt-BR": f"as vozes são enviadas a um serviço fora deste servidor: {SERVICE}",
    "en-GB": f"voices are sent to a service outside this server: {SERVICE}",
}


@pytest.mark.parametrize("locale", SAYS)
@pytest.mark.parametrize("mode", ["ask", "external"])
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
async def test_the_service_that_hears_is_named_before_joining(stub, open_page, locale, mode, size):
    stub.told_service, stub.consent_mode = SERVICE, mode
    page = await open_page(stub.link("patient"), locale=locale, size=size)
    await expect(page.locator("#who-hears")).to_contain_text(SAYS[locale])
    await expect(page.locator("#who-hears")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if mode == "ask":
        described = await page.locator("#consent-yes").get_attribute("aria-describedby")
        assert "who-hears" in described.split()


@pytest.mark.parametrize("mode", ["ask", "external"])
async def test_that_voices_stay_here_is_said_too(stub, open_page, mode):
    stub.consent_mode = mode
    page = await open_page(stub.link("patient"))
    await expect(page.locator("#who-hears")).to_contain_text("não são enviadas a nenhum outro serviço")


async def test_where_it_is_not_known_nothing_is_promised(stub, open_page):
    page = await open_page(stub.link("patient"))
    await page.route("**/api/consultations/**", lambda route: route.abort("connectionfailed"))
    await page.reload()
    await expect(page.locator("#join")).to_be_visible()
    await expect(page.locator("#who-hears")).to_be_hidden()


@pytest.mark.parametrize("role", ["clinician", "patient"])
async def test_the_calls_details_name_it(stub, open_page, role):
    stub.told_service = stub.voices_go_to = SERVICE
    page = await join_call(stub, open_page, role)
    await expect(page.locator("#toasts")).not_to_contain_text(SERVICE)
    await page.click("#quality")
    await expect(page.locator("#speech-service")).to_have_text(f"{SERVICE} (fora deste servidor)")
    await page.keyboard.press("Escape")
    await page.click("#recording-state")
    await expect(page.get_by_role("dialog")).to_contain_text(SAYS["pt-BR"])


async def test_in_a_call_that_stays_here_the_details_say_so(stub, open_page):
    page = await join_call(stub, open_page)
    await page.click("#quality")
    await expect(page.locator("#speech-service")).to_have_text("este servidor")


async def test_another_service_than_the_one_named_before_joining_is_news(stub, open_page):
    stub.told_service, stub.voices_go_to = None, SERVICE
    page = await join_call(stub, open_page, "patient")
    await expect(page.locator("#toasts")).to_contain_text(SAYS["pt-BR"])
