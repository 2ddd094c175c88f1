"""The report after the call: what it rests on is heard and seen, doubts are shown, the clinician has the last word."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.async_api import Page, expect

from server.model.consultation import Role
from server.model.insight import Evidence
from server.model.report import Origin, Report, Section, Statement, Support
from tests.e2e.conftest import OpenPage, join_call
from tests.page import canned
from tests.page.stub import Stub

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAIN = Evidence(utterance_id="u1", quote="Desde ontem à noite estou com uma dor no peito.", start_s=8.5, end_s=12.0)
WRITTEN = Report(
    consultation_id=canned.ID,
    version=1,
    template="soap",
    language="pt",
    title="Evolução (SOAP)",
    created_at=datetime(2026, 3, 2, 13, 30, tzinfo=UTC),
    model="scripted",
    sections=(
        Section(
            id="subjective",
            title="Subjetivo",
            statements=(
                Statement(id="pain", text="Dor no peito desde ontem.", evidence=(PAIN,), support=Support.SUPPORTED),
                Statement(
                    id="made-up",
                    text="Nega <b>alergias</b>.",
                    doubts=("não cita nenhuma fala",),
                    origin=Origin.MODEL,
                ),
            ),
        ),
        Section(id="plan", title="Plano"),
    ),
)


async def end(stub: Stub, open_page: OpenPage, role: str = "clinician", **options: object) -> Page:
    stub.events = canned.call()
    page = await join_call(stub, open_page, role, **options)
    if role == "clinician":
        await page.click("#end")
        await page.click("#confirm-end")
    else:
        await stub.say(canned.ended())
    await page.wait_for_selector('main[data-screen="after"]')
    return page


def statement(page: Page, text: str):
    return page.locator("#report .statement", has_text=text)


async def test_a_draft_is_there_after_the_call_and_each_sentence_shows_its_words(stub, open_page):
    page = await end(stub, open_page)
    line = statement(page, "Possível alergia a dipirona.")
    await expect(line).to_be_visible()
    await expect(statement(page, "Usa losartana, de manhã.")).to_be_visible()
    await line.locator(".statement-text").click()
    await expect(line.locator(".proof-quote").first).to_contain_text("alergia a dipirona")
    await expect(line.locator(".proof-quote").first).to_contain_text(canned.NAMES[Role.PATIENT])
    await expect(line.locator(".statement-text")).to_have_attribute("aria-expanded", "true")


async def test_a_sentence_is_heard_from_the_second_it_rests_on(stub, open_page):
    await stub.shelf.add(WRITTEN)
    page = await end(stub, open_page)
    await page.wait_for_selector("#player")
    await statement(page, "Dor no peito desde ontem.").locator(".statement-text").click()
    await expect(page.locator("#seek")).to_have_attribute("aria-valuenow", re.compile("^(8|9|10)$"))


async def test_what_nothing_supports_is_struck_until_the_clinician_confirms_it(stub, open_page):
    await stub.shelf.add(WRITTEN)
    page = await end(stub, open_page)
    struck = statement(page, "alergias")
    await expect(struck.locator(".statement-text")).to_have_css("text-decoration-line", "line-through")
    await expect(struck.locator(".doubts")).to_have_text("não cita nenhuma fala")
    assert await page.locator("#report b").count() == 0
    await struck.get_by_role("button", name="Confirmar").click()
    await expect(struck.locator(".statement-text")).to_have_css("text-decoration-line", "none")
    await expect(struck.locator(".tag")).to_have_text("Confirmada por você")
    await struck.get_by_role("button", name="Não confirmar mais").click()
    await expect(struck).to_have_attribute("data-support", "unsupported")
    assert [one.version for one in await stub.shelf.versions(canned.ID)] == [1, 2, 3]


async def test_sentences_are_changed_added_and_removed_in_place(stub, open_page):
    await stub.shelf.add(WRITTEN)
    page = await end(stub, open_page)
    pain = statement(page, "Dor no peito")
    await pain.get_by_role("button", name="Mudar a frase").click()
    field = page.get_by_role("textbox", name="Frase do relatório")
    await expect(field).to_be_focused()
    await field.fill("Dor torácica desde ontem à noite.")
    await page.get_by_role("button", name="Guardar").click()
    changed = statement(page, "Dor torácica")
    await expect(changed.locator(".tag")).to_have_text("Escrita por você")
    await changed.locator(".statement-text").click()
    await expect(changed.locator(".proof")).to_contain_text("Antes: Dor no peito desde ontem.")
    await page.locator('[data-section="plan"]').get_by_role("button", name="Acrescentar frase").click()
    await field.fill("Retorno em sete dias.")
    await page.get_by_role("button", name="Guardar").click()
    await expect(page.locator('[data-section="plan"] .statement')).to_contain_text("Retorno em sete dias.")
    await statement(page, "alergias").get_by_role("button", name="Retirar a frase").click()
    await expect(statement(page, "alergias")).to_have_count(0)


async def test_an_escape_leaves_a_sentence_as_it_was(stub, open_page):
    await stub.shelf.add(WRITTEN)
    page = await end(stub, open_page)
    await statement(page, "Dor no peito").get_by_role("button", name="Mudar a frase").click()
    await page.keyboard.type(" e mais")
    await page.keyboard.press("Escape")
    await expect(statement(page, "Dor no peito desde ontem.")).to_be_visible()
    assert len(await stub.shelf.versions(canned.ID)) == 1


async def test_an_earlier_version_can_be_read_and_not_changed(stub, open_page):
    await stub.shelf.add(WRITTEN)
    page = await end(stub, open_page)
    await statement(page, "alergias").get_by_role("button", name="Retirar a frase").click()
    await expect(statement(page, "alergias")).to_have_count(0)
    await page.select_option("#report-version", "1")
    await expect(statement(page, "alergias")).to_be_visible()
    await expect(page.locator("#report [role=status]").first).to_contain_text("versão anterior")
    await expect(page.locator("#report .statement-actions")).to_have_count(0)
    await expect(page.locator("#sign")).to_have_count(0)


async def test_a_report_is_signed_and_its_signature_verified(stub, open_page):
    await stub.shelf.add(WRITTEN)
    page = await end(stub, open_page)
    await expect(page.locator("#signer")).to_have_value(canned.NAMES[Role.CLINICIAN])
    await page.click("#sign")
    await page.click("#confirm-sign")
    await expect(page.locator(".signed-by")).to_contain_text("Assinado por Dra. Ana Souza")
    await page.click("#verify")
    await expect(page.locator(".part")).to_have_count(3)
    await expect(page.locator('.part[data-state="intact"]')).to_have_count(3)
    kept = stub.shelf.kept[canned.ID]
    kept[0] = kept[0].model_copy(update={"title": "Outro"})
    await page.click("#verify")
    await expect(page.locator('.part[data-state="changed"]')).to_contain_text("Relatório")
    await page.get_by_role("button", name="English").click()
    await expect(page.locator('.part[data-state="changed"]')).to_contain_text("Changed")


async def test_a_new_draft_by_another_template_is_another_version(stub, open_page):
    page = await end(stub, open_page)
    await page.select_option("#report-template", "referral")
    await page.click("#report-draft")
    await page.click("#confirm-draft")
    await expect(page.locator("#report h3").first).to_have_text("Motivo do encaminhamento")
    assert [one.template for one in await stub.shelf.versions(canned.ID)] == ["soap", "referral"]


async def test_the_head_of_the_summary_leads_to_the_report(stub, open_page):
    await stub.shelf.add(WRITTEN)
    page = await end(stub, open_page)
    await page.click("#to-report")
    await expect(page.locator("#report h2")).to_be_focused()
    await expect(page.locator("#report h2")).to_be_in_viewport()
    assert await page.evaluate("location.hash") != "#report"


async def test_the_patient_sees_no_report(stub, open_page):
    page = await end(stub, open_page, "patient")
    await expect(page.locator("#transcript")).to_be_visible()
    await expect(page.locator("#report")).to_have_count(0)
    assert await stub.shelf.versions(canned.ID) == []


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
async def test_the_report_fits_its_screen(stub, open_page, size):
    await stub.shelf.add(WRITTEN)
    page = await end(stub, open_page, size=size)
    await statement(page, "Dor no peito").locator(".statement-text").click()
    assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for button in await page.locator("#report button:visible, #report select:visible").all():
        box = await button.bounding_box()
        assert box is not None
        assert box["height"] >= 36
