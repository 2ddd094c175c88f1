"""What people do in the call: tips, consent, chat, keys and language."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from server.model.consultation import Role
from server.model.events import SidecarFailed, SidecarStateChanged
from server.model.recording_events import DiskLow, RecordingRefused, RecordingStopped
from tests.e2e.conftest import join_call
from tests.e2e.running import until
from tests.page import canned

pytestmark = pytest.mark.asyncio(loop_scope="session")
NOW_S = canned.ROOM_S


async def test_tip_buttons_tell_the_server_and_no_machine_word_shows(stub, open_page):
    stub.events = canned.call()
    page = await join_call(stub, open_page)
    assert "red_flag" not in await page.locator("body").inner_text()
    await page.click('[data-tip="t1"] [data-mark="done"]')
    await page.click('[data-tip="t2"] [data-mark="useful"]')
    await page.click('[data-tip="t3"] [data-mark="dismissed"]')
    await expect(page.locator('[data-tip="t3"]')).to_have_count(0)
    marks = [(one["tip_id"], one["mark"]) for one in await stub.told("mark_tip", 3)]
    assert marks == [("t1", "done"), ("t2", "useful"), ("t3", "dismissed")]


async def test_a_tips_words_lead_to_their_caption(stub, open_page):
    stub.events = canned.call()
    page = await join_call(stub, open_page)
    await page.click('[data-tip="t1"] .evidence')
    await expect(page.locator('[data-utterance="u3"] mark')).to_have_text("ela vai para o braço esquerdo")
    await expect(page.locator('[data-utterance="u3"]')).to_be_focused()


async def test_an_urgent_tip_reaches_the_reader_of_another_panel(stub, open_page):
    page = await join_call(stub, open_page, size=(390, 844))
    await stub.say(canned.tip("now", "Pergunte sobre a dor.", urgent=True, at_s=NOW_S + 1))
    await expect(page.locator("#tips-alert")).to_contain_text("Pergunte sobre a dor.")
    await expect(page.locator('.tab[data-tab="tips"] .tab-badge')).to_have_text("!")
    await page.click(".toast-action")
    await expect(page.locator('[data-tip="now"]')).to_be_visible()
    await expect(page.locator('.tab[data-tab="tips"] .tab-badge')).to_be_hidden()
    await expect(page.locator(".toast")).to_have_count(0)


async def test_consent_is_withdrawn_and_given_again_and_too_soon_is_said(stub, open_page):
    stub.consent_rests = True
    page = await join_call(stub, open_page, "patient")
    await page.click("#toggle-settings")
    await page.click("#settings-consent")
    await page.click("#consent-change")
    await expect(page.locator("#consent-change")).to_have_text("Permitir a gravação e a transcrição")
    await page.click("#consent-change")
    await expect(page.locator("dialog .toast")).to_contain_text("espere dois segundos")
    await page.click("#consent-change")
    await expect(page.locator("#consent-change")).to_have_text("Parar a gravação e a transcrição")
    assert [one["granted"] for one in await stub.told("consent", 3)] == [False, True, True]


async def test_the_servers_errors_are_told_in_the_readers_language(stub, open_page):
    page = await join_call(stub, open_page)
    await stub.refuse("database_unavailable", "The database does not answer.")
    await expect(page.locator(".toast").last).to_have_text(
        "O banco de dados não responde: tente de novo em alguns segundos."
    )
    await stub.refuse("new_code", "A sentence of the server.")
    await expect(page.locator(".toast").last).to_have_text("A sentence of the server.")


async def test_what_fails_beside_the_call_is_a_visible_state(stub, open_page):
    page = await join_call(stub, open_page)
    states = page.locator(".states")
    for sidecar, words in (
        ("speech", "Legendas indisponíveis"),
        ("tips", "Sugestões indisponíveis"),
        ("recording", "Parte da gravação"),
    ):
        await stub.say(SidecarFailed(at_s=NOW_S, sidecar=sidecar))
        await expect(states).to_contain_text(words)
    await stub.say(SidecarStateChanged(at_s=NOW_S, sidecar="storage", state="delayed"))
    await expect(states).to_contain_text("banco de dados")
    await stub.say(SidecarStateChanged(at_s=NOW_S, sidecar="speech", state="delayed", detail="fallback"))
    await expect(states).to_contain_text("outras, mais simples")
    await stub.say(DiskLow(at_s=NOW_S, free_mb=700))
    await expect(states).to_contain_text("700 MB")
    for sidecar in ("speech", "tips", "storage"):
        await stub.say(SidecarStateChanged(at_s=NOW_S, sidecar=sidecar, state="ok"))
    await expect(states.locator("li")).to_have_count(2)
    await stub.say(RecordingStopped(at_s=NOW_S, reason="disk_full"))
    await expect(page.locator("#recording-state")).to_have_attribute("data-state", "refused")
    await expect(states).to_contain_text("falta espaço em disco")


async def test_recording_that_was_refused_before_is_known_after_a_reload(stub, open_page):
    stub.events = (RecordingRefused(at_s=5, reason="disk_full", message="No."),)
    stub.peer_present = False
    page = await join_call(stub, open_page)
    await expect(page.locator("#recording-state")).to_have_attribute("data-state", "refused")


async def test_keys_switch_devices_and_captions_but_not_while_typing(stub, open_page):
    page = await join_call(stub, open_page)
    for key, control in (("m", "microphone"), ("v", "camera")):
        await page.keyboard.press(key)
        await expect(page.locator(f"#toggle-{control}")).to_have_class("control is-off")
    off = {"type": "media", "microphone": False, "camera": False, "screen": False}

    async def told() -> bool:
        return stub.of_type("media")[-1:] == [off]

    await until(told)
    await page.keyboard.press("c")
    await expect(page.locator("#captions")).to_be_hidden()
    await page.click("#toggle-chat")
    await page.locator("#chat-input").press_sequentially("mvc?")
    await page.keyboard.press("Enter")
    await expect(page.locator("#messages .message")).to_have_text(["Dra. Ana Souza12:14mvc?"])
    await expect(page.locator("#toggle-microphone")).to_have_class("control is-off")
    await page.keyboard.press("Escape")
    await expect(page.locator("#chat-input")).to_be_hidden()
    await expect(page.locator("#toggle-chat")).to_be_focused()
    await page.keyboard.press("?")
    await expect(page.locator("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)


async def test_tab_reaches_everything_that_can_be_pressed(stub, open_page):
    stub.events = canned.call()
    page = await join_call(stub, open_page)
    wanted = await page.evaluate("""() => {
        const all = [...document.querySelectorAll('main :is(button, input, textarea, select, [tabindex="0"])')];
        const usable = all.filter((one) => one.checkVisibility() && !one.disabled);
        usable.forEach((one, index) => { one.dataset.stop = String(index); });
        return usable.length;
    }""")
    await page.locator("h1").focus()
    reached = set()
    for _ in range(wanted + 5):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("document.activeElement.dataset.stop"))
    assert reached >= {str(number) for number in range(wanted)}


async def test_the_language_changes_everywhere_at_once_and_stays(stub, open_page):
    stub.events = canned.call()
    page = await join_call(stub, open_page)
    await page.click("#toggle-settings")
    await page.click('dialog [data-language="en"]')
    await page.keyboard.press("Escape")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator(".tips-panel h2")).to_have_text("Tips")
    await expect(page.locator("#recording-state")).to_have_text("Recording")
    await page.reload()
    await expect(page.locator("#join")).to_have_text("Join the consultation")


async def test_a_message_typed_while_cut_off_is_sent_once_the_way_is_open(stub, open_page):
    page = await join_call(stub, open_page, "patient")
    await page.click("#toggle-chat")
    stub.refuse_with = 4007
    await stub.hang_up()
    await page.fill("#chat-input", "Ainda aí?")
    await page.keyboard.press("Enter")
    await expect(page.locator('.message[data-pending="true"]')).to_have_count(1)
    stub.refuse_with = None
    await expect(page.locator('.message[data-pending="false"]')).to_have_count(1, timeout=20_000)
    assert [one["text"] for one in stub.of_type("chat")] == ["Ainda aí?"]
    assert await page.locator(".message").count() == 1


async def test_news_of_others_is_told(stub, open_page):
    page = await join_call(stub, open_page)
    await stub.say(canned.chat(Role.PATIENT, "Olá", "c9").model_copy(update={"at_s": NOW_S + 1}))
    await expect(page.locator(".toast")).to_contain_text("Maria de Lourdes: Olá")
    await expect(page.locator("#toggle-chat .badge")).to_have_text("1")


async def test_the_clinician_keeps_each_voice_and_both_and_the_patient_none(stub, open_page):
    page = await join_call(stub, open_page)
    await page.click("#end")
    await page.click("#confirm-end")
    rows = page.locator("#recordings li")
    await expect(rows).to_have_count(3)
    for kind in ("ogg", "wav"):
        await page.get_by_text(f"clinician.{kind}").first.wait_for()
        async with page.expect_download() as saved:
            await page.get_by_role("button", name=f"patient.{kind}").click()
        assert (await saved.value).suggested_filename == f"patient.{kind}"
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="mixed.ogg").click()
    assert (await saved.value).suggested_filename == "mixed.ogg"
    patient = await join_call(stub, open_page, "patient")
    await patient.click("#leave")
    await patient.wait_for_selector('main[data-screen="after"]')
    await expect(patient.locator("#recordings")).to_have_count(0)
