"""The owner edits agents in the page, with a token that stays in its memory."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.page.stub import AUTHORITY

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def opened(stub, open_page, token=None, **options):
    page = await open_page(f"{stub.address}/agents", **options)
    await page.fill("#agents-key", stub.service_token() if token is None else token)
    await page.click("#agents-open")
    return page


async def test_an_agent_is_read_edited_and_saved_whole(stub, open_page):
    page = await opened(stub, open_page)
    await page.select_option("#agent", "cardio")
    await expect(page.locator("#agent-calls")).to_have_value("50")
    await page.fill("#agent-name", "Cardio <b>")
    await page.fill("#agent-prompt", "Seja breve.")
    await page.fill("#agent-tokens", "1000")
    await page.select_option("#agent-report", "referral")
    await page.uncheck("#agent-kind-tip")
    await page.uncheck("#agent-to-patient")
    await page.check("#agent-names")
    await page.click("#agent-save")
    await expect(page.locator("#agents-said")).to_contain_text("Salvo")
    await expect(page.locator("#agents-said")).to_be_in_viewport()
    kept = stub.agents["cardio"]
    assert (kept["name"], kept["prompt"], kept["max_calls"], kept["max_tokens"]) == (
        "Cardio <b>",
        "Seja breve.",
        50,
        1000,
    )
    assert kept["report_template"] == "referral"
    assert kept["suggests"] == ["red_flag", "question", "action", "answer", "explanation"]
    assert (kept["to_patient"], kept["shares_names"], kept["chat_model"]) == ("nothing", True, None)
    await expect(page.locator("#agent option:checked")).to_have_text("Cardio <b> (cardio)")


async def test_a_new_agent_can_be_made(stub, open_page):
    page = await opened(stub, open_page, locale="en-US")
    await page.select_option("#agent", label="New agent…")
    await page.fill("#agent-id", "triage-1")
    await page.fill("#agent-name", "Triage")
    await page.click("#agent-save")
    await expect(page.locator("#agents-said")).to_contain_text("Saved")
    assert stub.agents["triage-1"]["language"] == "pt"
    await expect(page.locator("#agent-id")).to_have_value("triage-1")


async def test_what_the_server_refuses_is_said_in_its_words(stub, open_page):
    page = await opened(stub, open_page)
    await page.fill("#agent-sources", "record")
    await page.click("#agent-save")
    await expect(page.locator("#agents-said")).to_contain_text("There is no context source record.")
    await expect(page.locator("#agent-sources")).to_have_value("record")


@pytest.mark.parametrize("token", ["wrong", "não é um token", "a b"])
async def test_a_wrong_token_opens_nothing(token, stub, open_page):
    page = await opened(stub, open_page, token)
    await expect(page.locator("#agents-said")).to_contain_text("Este token não abre nada")
    assert await page.locator("#agent").count() == 0


async def test_the_token_is_kept_nowhere(stub, open_page):
    token = AUTHORITY.issue(identity="owner", name="Owner", role="service")
    page = await opened(stub, open_page, token)
    await expect(page.locator("#agent")).to_be_visible()
    kept = await page.evaluate(
        "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])"
    )
    assert token not in kept
    assert token not in await page.content()
    assert await page.input_value("#agents-key") == ""
    await page.reload()
    await expect(page.locator("#agents-key")).to_be_visible()


@pytest.mark.parametrize("size", [(390, 844), (1280, 800)], ids=str)
async def test_the_form_fits(stub, open_page, size):
    page = await opened(stub, open_page, size=size)
    await expect(page.locator("#agent-save")).to_be_attached()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
