"""What was named is marked where it was said and listed at the side, for the clinician; words are never markup."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from server.model.consultation import Role
from server.model.entities import Assertion, Entity
from server.model.events import EntitiesFound, FinalTranscript
from server.model.transcript import Utterance
from tests.e2e.conftest import OpenPage, join_call
from tests.page import canned
from tests.page.stub import Stub

pytestmark = pytest.mark.asyncio(loop_scope="session")
PHONE = (390, 844)


def said(number: int, text: str, role: Role = Role.PATIENT) -> FinalTranscript:
    start_s = 10.0 * number
    utterance = Utterance(id=f"s{number}", role=role, start_s=start_s, end_s=start_s + 3, text=text, language="pt")
    return FinalTranscript(at_s=start_s + 3, utterance=utterance)


def named(final: FinalTranscript, words: str, category: str = "SymptomOrSign", **fields: Any) -> Entity:
    text = final.utterance.text
    start = text.index(words)
    known = {"utterance_id": final.utterance.id, "category": category, "text": words, "start": start}
    known |= {"id": f"{final.utterance.id}.{start}", "end": start + len(words), "normal": words, "name": words}
    return Entity.model_validate(known | fields)


def found(*entities: Entity) -> EntitiesFound:
    last = entities[-1]
    return EntitiesFound(
        at_s=60.0, utterance_id=last.answer_id or last.utterance_id, entities=entities, provider="rules"
    )


QUESTION = said(1, "O senhor tem febre ou tosse?", Role.CLINICIAN)
ANSWER = said(2, "Febre não, tosse sim. Tomo losartana de 50 mg e minha mãe tem diabetes.")
FEVER, COUGH = named(QUESTION, "febre", assertion="asked"), named(QUESTION, "tosse", assertion="asked")
NO_FEVER = FEVER.model_copy(update={"assertion": Assertion.NEGATED, "answer_id": "s2"})
SOME_COUGH = COUGH.model_copy(update={"assertion": Assertion.AFFIRMED, "answer_id": "s2"})
LOSARTAN = named(ANSWER, "losartana", "MedicationName", approximate=True)
DOSE = named(ANSWER, "50 mg", "Dosage", relations=({"kind": "dosage_of", "to": LOSARTAN.id},))
DIABETES = named(ANSWER, "diabetes", "Diagnosis", assertion="family")
MOTHER = named(ANSWER, "mãe", "FamilyRelation", relations=({"kind": "relative_with", "to": DIABETES.id},))
DIALOGUE = (
    QUESTION,
    found(FEVER, COUGH),
    ANSWER,
    found(LOSARTAN, DOSE, DIABETES, MOTHER, NO_FEVER, SOME_COUGH),
)


async def joined(stub: Stub, open_page: OpenPage, *events: Any, **options: Any) -> Page:
    stub.events = events or DIALOGUE
    page = await join_call(stub, open_page, **options)
    await page.wait_for_selector("#captions .caption", state="attached")
    return page


async def listed(page: Page) -> list[str]:
    return await page.locator("#entities .entity-list li").evaluate_all(
        "all => all.map((one) => one.innerText.replace(/\\s+/g, ' ').trim())"
    )


async def test_captions_are_marked_by_family_and_say_how_things_stand(stub, open_page):
    page = await joined(stub, open_page)
    marks = page.locator("#captions .entity")
    await expect(marks).to_have_text(["febre", "tosse", "losartana", "50 mg", "mãe", "diabetes"])
    look = "all => all.map(({ dataset }) => [dataset.family, dataset.assertion, dataset.note ?? ''])"
    assert await marks.evaluate_all(look) == [
        ["complaint", "negated", "não"],
        ["complaint", "affirmed", ""],
        ["medicine", "affirmed", ""],
        ["medicine", "affirmed", ""],
        ["context", "affirmed", ""],
        ["condition", "family", "família"],
    ]
    await expect(page.locator('[data-utterance="s2"] .caption-text')).to_have_text(ANSWER.utterance.text)
    styles = "all => new Set(all.map((one) => getComputedStyle(one).textDecorationStyle)).size"
    assert await marks.evaluate_all(styles) >= 3


async def test_what_is_asked_is_marked_at_once_and_listed_when_it_is_answered(stub, open_page):
    page = await joined(stub, open_page, QUESTION, found(FEVER, COUGH))
    await page.click("#open-entities")
    assert await page.locator("#captions .entity").evaluate_all("all => all.map((one) => one.dataset.note)") == [
        "?",
        "?",
    ]
    await expect(page.locator("#entities .panel-empty")).to_be_visible()
    await stub.say(ANSWER, found(NO_FEVER, SOME_COUGH))
    await expect(page.locator("#entities .entity-list li")).to_have_count(2)
    assert await listed(page) == ["tosse 00:10", "febre negado 00:10"]
    await expect(page.locator("#open-entities")).to_have_text("Mencionado: 2")


async def test_the_list_has_each_thing_once_with_what_is_said_of_it(stub, open_page):
    page = await joined(stub, open_page)
    await page.click("#open-entities")
    await expect(page.locator("#entities h3")).to_have_text(["Sintomas e sinais", "Diagnósticos", "Remédios"])
    assert await listed(page) == [
        "tosse 00:10",
        "febre negado 00:10",
        "diabetes de parente: mãe 00:20",
        "losartana ≈ 00:20 50 mg",
    ]


async def test_a_row_leads_to_its_words_and_the_list_stays_where_there_is_room(stub, open_page):
    page = await joined(stub, open_page)
    await page.click("#open-entities")
    await page.get_by_role("button", name="losartana, 50 mg, afirmado. Ir à fala de 00:20").click()
    line = page.locator('[data-utterance="s2"]')
    await expect(line).to_be_focused()
    await expect(line.locator("mark")).to_have_text("losartana")
    await expect(line.locator("mark .entity")).to_have_text("losartana")
    await expect(page.locator("#entities")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#entities")).to_be_hidden()
    await expect(page.locator("#open-entities")).to_be_focused()


async def test_on_a_phone_a_row_leads_to_the_captions(stub, open_page):
    page = await joined(stub, open_page, size=PHONE)
    await page.click('.tab[data-tab="entities"]')
    await expect(page.locator("#entities")).to_be_visible()
    await expect(page.locator("#captions")).to_be_hidden()
    await page.locator("#entities .entity-row").first.click()
    await expect(page.locator('[data-utterance="s1"]')).to_be_focused()
    await expect(page.locator("#entities")).to_be_hidden()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_marks_are_explained_on_pointing_and_on_focus_and_walked_by_arrow_keys(stub, open_page):
    page = await joined(stub, open_page)
    marks, tip = page.locator("#captions .entity"), page.get_by_role("tooltip")
    assert await page.locator('#captions .entity[tabindex="0"]').count() == 1
    await page.locator('#captions .entity[tabindex="0"]').focus()
    await expect(tip).to_have_text("Diagnósticodiabetes· de parente: mãe")
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowLeft")
    await expect(marks.nth(2)).to_be_focused()
    await expect(tip).to_have_text("Remédiolosartana· afirmado· ouvido de forma aproximada· Dose: 50 mg")
    assert await marks.nth(2).get_attribute("aria-describedby") == await tip.get_attribute("id")
    await page.keyboard.press("Escape")
    await expect(tip).to_be_hidden()
    await marks.first.hover()
    await expect(tip).to_have_text("Sintoma ou sinalfebre· negado")
    await page.mouse.move(100, 300)
    await expect(tip).to_be_hidden()


async def test_hostile_words_and_names_are_text_and_nothing_else(stub, open_page):
    bad = "<img src=x onerror=alert(1)>"
    line = said(3, f"Dói {bad} aqui 😀 no peito.")
    hostile = named(line, bad, name=bad, normal=bad)
    page = await joined(stub, open_page, line, found(hostile, named(line, "no peito", name="<b>peito</b>")))
    await expect(page.locator("#captions .entity")).to_have_text([bad, "no peito"])
    await page.locator("#captions .entity").first.hover()
    await expect(page.get_by_role("tooltip")).to_contain_text(bad)
    await page.click("#open-entities")
    await expect(page.locator("#entities .entity-name")).to_have_text([bad, "<b>peito</b>"])
    assert await page.locator("#captions img, #entities img, .entity-tip img, #entities b").count() == 0


async def test_a_mark_that_does_not_fit_its_words_is_left_out(stub, open_page):
    wrong = named(ANSWER, "losartana", start=0, end=9)
    page = await joined(stub, open_page, ANSWER, found(wrong, named(ANSWER, "Febre")))
    await expect(page.locator("#captions .entity")).to_have_text(["Febre"])
    await expect(page.locator('[data-utterance="s2"] .caption-text')).to_have_text(ANSWER.utterance.text)


async def test_the_words_of_the_page_follow_its_language(stub, open_page):
    page = await joined(stub, open_page, locale="en-US")
    await page.click("#open-entities")
    await expect(page.locator("#entities h3")).to_have_text(["Symptoms and signs", "Diagnoses", "Medicines"])
    assert await page.locator("#captions .entity").first.get_attribute("data-note") == "no"
    await page.locator(".entity-legend summary").click()
    await expect(page.locator(".entity-legend li").first).to_have_text("Allergies")


async def _end(stub: Stub, open_page: OpenPage, state: str, **options: Any) -> Page:
    stub.second_pass[0] = state
    stub.events = canned.call()
    page = await join_call(stub, open_page, **options)
    await page.click("#end")
    await page.click("#confirm-end")
    await page.wait_for_selector('main[data-screen="after"]')
    return page


async def test_both_editions_are_marked_each_with_its_own_and_a_comparison_with_none(stub, open_page):
    page = await _end(stub, open_page, "done")
    line = page.locator("#transcript .line >> nth=1")
    await expect(line.locator(".entity")).to_have_text(["Desde anteontem", "à noite", "dor no peito"])
    await expect(page.locator("#summary-entities .entity-details").first).to_have_text("anteontem · à noite")
    await page.get_by_role("radio", name="Ao vivo").check()
    await expect(line.locator(".entity")).to_have_text(["Desde ontem à noite", "dor no peito"])
    await expect(page.locator("#summary-entities .entity-details").first).to_have_text("ontem")
    await page.get_by_role("radio", name="Diferenças").check()
    await expect(page.locator("#transcript .entity")).to_have_count(0)
    await expect(line.locator("ins")).to_have_count(2)


async def test_afterwards_a_row_leads_to_its_line(stub, open_page):
    page = await _end(stub, open_page, "done")
    row = page.locator("#summary-entities .entity-row", has_text="losartana")
    await row.click()
    await expect(page.locator("#transcript .line >> nth=7")).to_be_focused()


async def test_a_patient_has_neither_list_nor_marks_and_does_not_ask_for_them(stub, open_page):
    stub.events = tuple(event for event in canned.call() if not isinstance(event, EntitiesFound))
    page = await join_call(stub, open_page, role="patient")
    await expect(page.locator("#open-entities")).to_be_hidden()
    await expect(page.locator("#entities")).to_be_hidden()
    await page.click("#leave")
    await page.wait_for_selector("#transcript .line")
    await expect(page.locator("#summary-entities, .entity")).to_have_count(0)
