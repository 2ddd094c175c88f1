"""The summary shows the final transcript once there is one, and what it changes."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import OpenPage, join_call
from tests.page import canned
from tests.page.stub import Stub

pytestmark = pytest.mark.asyncio(loop_scope="session")
LINE = "#transcript .line >> nth=1"
FINAL = canned.FINAL_TEXTS[1]


async def _end(stub: Stub, open_page: OpenPage, state: str) -> Page:
    stub.second_pass[0] = state
    stub.events = canned.call()
    page = await join_call(stub, open_page)
    await page.click("#end")
    await page.click("#confirm-end")
    await page.wait_for_selector('main[data-screen="after"]')
    return page


async def test_the_final_transcript_is_shown_and_the_live_one_a_choice_away(stub, open_page):
    page = await _end(stub, open_page, "done")
    await expect(page.locator(f"{LINE} >> .line-text")).to_have_text(FINAL)
    await expect(page.locator("#second-pass")).to_contain_text("transcrição final")
    await expect(page.get_by_role("radio", name="Final")).to_be_checked()
    await page.get_by_role("radio", name="Ao vivo").check()
    await expect(page.locator(f"{LINE} >> .line-text")).to_have_text(canned.LINES[1][2])
    assert await page.locator("#transcript b").count() == 0


async def test_what_differs_is_marked_for_the_eye_and_for_screen_readers(stub, open_page):
    page = await _end(stub, open_page, "done")
    await page.get_by_role("radio", name="Diferenças").check()
    line = page.locator(f"{LINE} >> .line-text")
    await expect(line.locator("del")).to_have_text(["retirado: ontem", "retirado: estou", "retirado: uma"])
    await expect(line.locator("ins")).to_have_text(["incluído: anteontem", "incluído: <b>estou</b>"])
    await expect(page.locator("#transcript .line")).to_have_count(len(canned.LINES))
    await expect(page.locator("#transcript .line >> nth=0").locator("ins, del")).to_have_count(0)
    assert await page.locator("#transcript b").count() == 0


async def test_any_view_is_played_from(stub, open_page):
    page = await _end(stub, open_page, "done")
    await page.wait_for_selector("#player")
    await page.get_by_role("radio", name="Diferenças").check()
    await page.locator(f"{LINE} >> button").click()
    await expect(page.locator("#seek")).not_to_have_attribute("aria-valuenow", "0")


@pytest.mark.parametrize(("state", "says"), [("waiting", "lida de novo"), ("failed", "Não foi possível ler")])
async def test_until_then_the_live_one_is_shown_with_what_to_expect(stub, open_page, state, says):
    page = await _end(stub, open_page, state)
    await expect(page.locator("#second-pass")).to_contain_text(says)
    await expect(page.locator(f"{LINE} >> .line-text")).to_have_text(canned.LINES[1][2])
    await expect(page.locator("#views")).to_be_hidden()


async def test_what_is_shown_is_said_and_so_is_how_to_read_it(stub, open_page):
    page = await _end(stub, open_page, "done")
    note = page.locator("#second-pass")
    await page.get_by_role("radio", name="Diferenças").check()
    await expect(note).to_have_text(
        "Riscado: só nas legendas, ao vivo. Sublinhado: só na transcrição final. Falas que diferem: 1."
    )
    await expect(page.locator("#transcript .line.differs")).to_have_count(1)
    await page.get_by_role("radio", name="Ao vivo").check()
    await expect(note).to_have_text("Esta é a transcrição como apareceu nas legendas, durante a chamada.")
    await page.get_by_role("button", name="English").click()
    await expect(note).to_have_text("This is the transcript as the captions showed it during the call.")


async def test_of_a_recording_that_lacks_a_part_the_live_transcript_is_shown_first(stub, open_page):
    page = await _end(stub, open_page, "partial")
    await expect(page.get_by_role("radio", name="Ao vivo")).to_be_checked()
    await expect(page.locator("#second-pass")).to_contain_text("A gravação não tem a chamada inteira")
    await expect(page.locator(f"{LINE} >> .line-text")).to_have_text(canned.LINES[1][2])
    await page.get_by_role("radio", name="Final").check()
    await expect(page.locator(f"{LINE} >> .line-text")).to_have_text(FINAL)
    await expect(page.locator("#second-pass")).to_contain_text("não tem a chamada inteira")


async def test_the_edition_that_is_shown_is_the_one_to_download(stub, open_page):
    page = await _end(stub, open_page, "done")
    names = []
    for view in ("Ao vivo", "Diferenças"):
        await page.get_by_role("radio", name=view).check()
        async with page.expect_download() as download:
            await page.get_by_role("button", name=re.compile(r"Baixar transcript-.*\.docx")).click()
        names.append((await download.value).suggested_filename)
    assert names == [f"transcript-{canned.ID}-{edition}.docx" for edition in ("live", "final")]


async def test_views_are_chosen_by_the_keyboard(stub, open_page):
    page = await _end(stub, open_page, "done")
    await page.get_by_role("radio", name="Final").focus()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("radio", name="Ao vivo")).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_role("radio", name="Diferenças")).to_be_checked()
    await expect(page.locator("#transcript ins").first).to_be_visible()


COMPARE = """([live, final]) => import("/static/js/differences.js").then(({ differences }) => {
  const who = { role: "patient", language: "pt" };
  const captions = (said) => said.map(([startS, endS, text]) => ({ ...who, id: text, startS, endS, text }));
  return differences(captions(live), captions(final)).map(({ parts }) => parts.map(({ kind, text }) => [kind, text]));
})"""


@pytest.mark.parametrize(
    ("live", "final", "lines"),
    [
        ([(20.0, 20.4, "Assim!")], [(20.15, 20.5, "Assim")], [[["same", "Assim"]]]),
        ([(20.0, 20.3, "Assim!")], [(20.9, 21.2, "Assim")], [[["same", "Assim"]]]),
        ([(20.9, 21.2, "Assim!")], [(20.0, 20.3, "Assim")], [[["same", "Assim"]]]),
        ([(20.0, 20.3, "Sim")], [(22.0, 22.3, "Não")], [[["removed", "Sim"]], [["added", "Não"]]]),
        (
            [(1.0, 3.0, "dói aqui"), (3.1, 5.0, "desde ontem")],
            [(1.1, 3.2, "dói aqui"), (3.3, 5.0, "desde anteontem")],
            [[["same", "dói aqui"]], [["same", "desde"], ["removed", "ontem"], ["added", "anteontem"]]],
        ),
        ([(1.0, 2.0, "um"), (2.1, 3.0, "dois")], [], [[["removed", "um"]], [["removed", "dois"]]]),
        ([], [(1.0, 2.0, "um"), (2.1, 3.0, "dois")], [[["added", "um"]], [["added", "dois"]]]),
    ],
)
async def test_what_is_the_same_is_found_though_placed_a_little_elsewhere(stub, open_page, live, final, lines):
    page = await open_page(stub.link("patient"))
    assert await page.evaluate(COMPARE, [live, final]) == lines
