"""Whose voice is heard is whose name is marked, even where a file cannot be had."""

from __future__ import annotations

import pytest

from tests.e2e.test_page_player import _end, _for_tokens_alone, _until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_voice_that_cannot_be_had_is_not_replaced_by_the_other(stub, open_page):
    stub.has_mix, stub.recording = False, ("finalizing", 0.5)
    page = await _end(stub, open_page)
    await page.route("**/recordings/clinician.ogg", _for_tokens_alone)
    await page.route("**/recordings/patient.ogg", lambda route: route.abort("connectionfailed"))
    stub.recording = ("ready", 1.0)
    await page.wait_for_selector("#player")
    await _until(page, "window.sounds[0].src.startsWith('blob:')")
    await page.click('.voice[data-role="patient"]')
    await page.wait_for_selector(".toast")
    assert await page.evaluate("window.sounds[0].src.endsWith('/patient.ogg')")
