"""The clinician asks, releases and marks; the patient sees what was released, and nothing else."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from server.model.advice_events import BudgetSpent, TipReleased
from server.model.insight import Audience
from tests.e2e.conftest import join_call
from tests.page import canned

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_question_waits_visibly_and_its_answer_leads_to_the_words(stub, open_page):
    stub.events = canned.call()
    page = await join_call(stub, open_page)
    await page.fill("#ask-input", "Tem alergia? <b>")
    await page.press("#ask-input", "Enter")
    (asked,) = await stub.told("ask", 1)
    assert asked["text"] == "Tem alergia? <b>"
    await expect(page.locator("#tips .pending .tip-question")).to_have_text("Tem alergia? <b>")
    await expect(page.locator("#tips .pending")).to_be_in_viewport(ratio=1)
    await expect(page.locator("#ask-input")).to_have_value("")
    stub.may_answer.set()
    card = page.locator('#tips [data-tip="t5"]')
    await expect(card.locator(".tip-question")).to_have_text("Tem alergia? <b>")
    await expect(page.locator("#tips .pending")).to_have_count(0)
    await expect(card.locator(".tip-text")).to_be_in_viewport(ratio=1)
    order = await page.locator("#tips .tip").evaluate_all("cards => cards.map((card) => card.dataset.tip)")
    assert order[:2] == ["t1", "t5"], "urgent first, then the newest"
    await card.locator(".evidence").click()
    await expect(page.locator('[data-utterance="u7"] mark')).to_have_text(canned.LINES[7][2])


async def test_an_explanation_says_who_sees_it_before_and_after_it_is_sent(stub, open_page):
    stub.events = (*canned.call(), canned.explanation())
    page = await join_call(stub, open_page)
    card = page.locator('#tips [data-tip="t4"]')
    await expect(card.locator(".tip-kind")).to_have_text("Para o paciente")
    await expect(card.locator(".tip-private")).to_be_visible()
    assert await page.locator("#tips .release").count() == 1, "nothing else can be sent"
    await card.locator(".release").click()
    assert (await stub.told("release_tip", 1))[0]["tip_id"] == "t4"
    await expect(card.locator(".tip-released")).to_be_visible()
    await expect(card.locator(".release")).to_be_hidden()
    await expect(card.locator(".tip-private")).to_be_hidden()


async def test_a_patient_reads_what_was_sent_and_has_nothing_to_mark_or_ask(stub, open_page):
    stub.events = tuple(event for event in canned.call() if event.type != "tip_ready")
    page = await join_call(stub, open_page, "patient")
    await expect(page.locator(".tips-panel")).to_be_hidden()
    await expect(page.locator("#ask")).to_be_hidden()
    tip = canned.explanation().tip.model_copy(update={"audience": Audience.PATIENT})
    await stub.say(TipReleased(at_s=canned.ROOM_S + 1, tip=tip))
    card = page.locator('#tips [data-tip="t4"]')
    await expect(card.locator(".tip-text")).to_have_text(tip.text)
    await expect(page.locator(".tips-panel h2")).to_have_text("Explicações")
    await expect(page.locator("#ask")).to_be_hidden()
    assert await card.locator(".mark, .release").count() == 0


async def test_on_a_patients_phone_what_was_sent_is_told(stub, open_page):
    page = await join_call(stub, open_page, "patient", size=(390, 844))
    tip = canned.explanation().tip.model_copy(update={"audience": Audience.PATIENT})
    await stub.say(TipReleased(at_s=canned.ROOM_S + 1, tip=tip))
    toast = page.locator(".toast", has_text="Seu médico enviou uma explicação")
    await toast.locator("button").click()
    await expect(page.locator('#tips [data-tip="t4"]')).to_be_visible()


async def test_a_spent_budget_is_one_clear_sentence(stub, open_page):
    page = await join_call(stub, open_page)
    await stub.say(BudgetSpent(at_s=canned.ROOM_S + 1, calls=300, tokens=900_000))
    sentence = "O modelo de linguagem chegou ao limite desta consulta; as regras continuam."
    await expect(page.locator(".toast")).to_contain_text(sentence)
    await expect(page.locator(".tips-panel .panel-foot")).to_have_text(sentence)


@pytest.mark.parametrize("size", [(390, 844), (1280, 800)], ids=str)
async def test_the_question_box_fits_beside_many_tips(stub, open_page, size):
    more = [canned.tip(f"m{number}", "Pergunte desde quando. " * 6) for number in range(6)]
    stub.events = (*canned.call(), *more)
    page = await join_call(stub, open_page, size=size)
    if size[0] < 860:
        await page.click('.tab[data-tab="tips"]')
    await expect(page.locator('[data-tip="m5"]')).to_be_attached()
    await page.locator("#ask-send").scroll_into_view_if_needed()
    for selector in ("#ask-input", "#ask-send"):
        box = await page.locator(selector).bounding_box()
        assert box["y"] + box["height"] <= size[1], selector
        assert box["x"] + box["width"] <= size[0], selector
        assert box["height"] >= 44, selector
