"""What the page does with what happens: once, as text, by keyboard, in either language."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from server.model.consultation import Role
from server.model.events import EPHEMERAL
from tests.e2e.conftest import join_call
from tests.page import canned

pytestmark = pytest.mark.asyncio(loop_scope="session")
# Whoever watches sizes and scrolling has been told by then.
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
EVIL = "<img src=x onerror=\"document.body.dataset.hurt='yes'\">"


async def test_events_that_come_again_after_a_restart_are_shown_once(stub, open_page):
    stub.events = canned.call()
    page = await join_call(stub, open_page)
    await page.click('#tips [data-tip="t2"] [data-mark="useful"]')
    # A server that lost its numbers gives everything new ones.
    await stub.say(*[event for event in canned.call() if event.type != "interim_transcript"])
    await stub.say(canned.chat(Role.PATIENT, "Até logo.", "c3"))
    await page.wait_for_selector('[data-message="c3"]', state="attached")
    assert await page.locator("#captions .caption").count() == len(canned.LINES) + 1
    assert await page.locator("#tips .tip").count() == 3
    assert await page.locator("#messages .message").count() == 3
    pressed = page.locator('#tips [data-tip="t2"] [data-mark="useful"]')
    await expect(pressed).to_have_attribute("aria-pressed", "true")


async def test_after_a_break_the_page_asks_for_what_it_missed_and_keeps_what_it_has(stub, open_page):
    stub.events = canned.call()
    page = await join_call(stub, open_page)
    assert stub.of_type("join")[-1]["after"] == 0
    seen = sum(not isinstance(event, EPHEMERAL) for event in stub.events)
    await stub.hang_up()
    await stub.told("join", 2)
    assert stub.of_type("join")[-1]["after"] == seen
    await expect(page.locator("[data-state='self.stopping']")).to_have_count(0)
    await expect(page.locator("#captions .caption")).to_have_count(len(canned.LINES))
    await stub.say(canned.interim("Fique", 5))
    await expect(page.locator("#captions .caption")).to_have_count(len(canned.LINES) + 1)


@pytest.mark.parametrize(("code", "state"), [(1001, "stopping"), (4007, "unavailable"), (4008, "lost")])
async def test_a_broken_socket_is_tried_again_and_said_so(stub, open_page, code, state):
    page = await join_call(stub, open_page)
    await page.evaluate("""() => new MutationObserver(() => {
        const state = document.querySelector('.states [data-state^="self."]');
        if (state) window.told ??= state.dataset.state;
    }).observe(document.querySelector('.states'), { childList: true })""")
    stub.refuse_with = code  # the first try fails as well
    await stub.hang_up(code)
    await stub.told("join", 2)
    assert await page.evaluate("window.told") == f"self.{state}"
    stub.refuse_with = None
    await stub.told("join", 3)
    await expect(page.locator('.states [data-state^="self."]')).to_have_count(0)


@pytest.mark.parametrize(
    ("code", "title", "rejoin"),
    [
        (4000, "A chamada foi interrompida por uma falha", True),
        (4001, "Você entrou por outra janela", True),
        (4002, "Este link não vale mais", False),
        (4003, "Este lugar está ocupado", False),
        (4004, "Esta consulta não existe", False),
        (4005, "A consulta terminou", False),
        (4006, "Você saiu da consulta", True),
    ],
)
async def test_a_final_close_says_what_happened_and_is_not_tried_again(stub, open_page, code, title, rejoin):
    stub.refuse_with = code
    page = await open_page(stub.link(), clock=True)
    sockets = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    await page.wait_for_selector('main[data-screen="prejoin"]')
    await page.click("#consent-yes")
    await page.click("#join")
    await page.wait_for_selector('main[data-screen="after"]')
    assert await page.locator("h1").inner_text() == title
    assert await page.locator("#rejoin").count() == int(rejoin)
    await page.clock.run_for(10_000)
    assert len(sockets) == len(stub.of_type("join")) == 1


async def test_what_people_write_is_never_markup(stub, open_page, monkeypatch):
    monkeypatch.setitem(canned.NAMES, Role.PATIENT, EVIL)
    monkeypatch.setattr(canned, "TITLE", EVIL)
    monkeypatch.setattr(canned, "LINES", ((Role.PATIENT, 4.0, EVIL),))
    cited = canned.Evidence(utterance_id="u0", quote=EVIL)
    stub.events = (
        canned.final(0),
        canned.tip("t1", EVIL, urgent=True, evidence=(cited,)),
        canned.chat(Role.PATIENT, EVIL, "c1"),
        canned.interim(EVIL, 5),
    )
    page = await join_call(stub, open_page)
    await stub.say(canned.tip("t2", EVIL, urgent=True, at_s=canned.ROOM_S + 1))
    await page.click("#tips .evidence >> nth=0")
    await stub.refuse("unheard_of", EVIL)
    await expect(page.locator(".toast")).to_contain_text(EVIL)
    await page.click("#end")
    await page.click("#confirm-end")
    await page.wait_for_selector("#recordings li")
    assert EVIL in await page.locator("#transcript").inner_text()
    assert await page.locator("img").count() == 0
    assert await page.evaluate("document.body.dataset.hurt") is None


async def test_interim_grows_becomes_final_and_stays(stub, open_page):
    page = await join_call(stub, open_page)
    line = page.locator('[data-utterance="u-now"]')
    await stub.say(canned.interim("Bom dia", 4, start_s=4.0))
    await expect(line.locator(".unsettled")).to_have_text("dia")
    final = canned.final(0)
    spoken = final.utterance.model_copy(update={"id": "u-now", "text": "Bom dia, Maria."})
    await stub.say(final.model_copy(update={"utterance": spoken}))
    await stub.say(canned.interim("late", 0, start_s=4.0))
    await expect(line).to_have_attribute("data-final", "true")
    await expect(line.locator(".caption-text")).to_have_text("Bom dia, Maria.")


async def test_a_withdrawn_interim_disappears(stub, open_page):
    page = await join_call(stub, open_page)
    await stub.say(canned.interim("Hmm", 0))
    await expect(page.locator('[data-utterance="u-now"]')).to_have_count(1)
    await stub.say(canned.interim("", 0))
    await expect(page.locator('[data-utterance="u-now"]')).to_have_count(0)


async def test_captions_follow_the_talk_while_tips_take_their_room(stub, open_page):
    stub.events = canned.call()
    page = await join_call(stub, open_page)
    for number in range(4):
        await stub.say(
            canned.tip(f"n{number}", "Pergunte desde quando a dor existe. " * 3),
            canned.interim(f"Vou pedir que você fique sentada e {number}", 23),
        )
        await expect(page.locator('[data-utterance="u-now"]')).to_contain_text(str(number))
    await page.evaluate(PAINTED)
    await expect(page.locator('[data-utterance="u-now"]')).to_be_in_viewport(ratio=1)
    await expect(page.locator(".newer")).to_be_hidden()
    await page.locator(".captions-panel .scroller").evaluate("(scroller) => { scroller.scrollTop = 0; }")
    await page.evaluate(PAINTED)
    await stub.say(canned.interim("Mais uma coisa", 5))
    await expect(page.locator(".newer")).to_be_visible()
    await page.click(".newer")
    await expect(page.locator('[data-utterance="u-now"]')).to_be_in_viewport(ratio=1)
