"""Both browsers behind networks that let nothing through but TURN."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.running import browser, join, open_page, running_server
from tests.turnserver import SECRET, running_turnserver

from .watching import FORCE_RELAY, WATCH, stats, wait_for_frames


@pytest.mark.timeout(180)
async def test_two_browsers_meet_through_a_real_coturn_with_credentials_of_the_welcome(tmp_path, data_dir):
    loopback = {"TURN_ALLOWED_PEERS": "127.0.0.1", "TURN_ALLOW_LOOPBACK_PEERS": "yes"}
    with (
        running_turnserver(**loopback) as turn,
        running_server(
            tmp_path, data_dir, SPEECH_PROVIDER="scripted", TURN_URLS=turn.url, TURN_SECRET=SECRET
        ) as server,
    ):
        consultation = await server.consultation("pt")
        async with browser() as chromium:
            pages = []
            for role in ("clinician", "patient"):
                page = await open_page(chromium, "about:blank")
                await page.add_init_script(FORCE_RELAY + WATCH)
                await page.goto(server.link(role, consultation))
                pages.append(page)
            await asyncio.gather(*(join(page) for page in pages))
            await asyncio.gather(*(wait_for_frames(page) for page in pages))
            for page in pages:
                reports = {one["id"]: one for one in await stats(page)}
                pair = next(one for one in reports.values() if one["type"] == "candidate-pair" and one.get("nominated"))
                assert reports[pair["localCandidateId"]]["candidateType"] == "relay"
                await page.click("#quality")
                await page.locator('dialog [data-reason="relay"]', has_text="(TURN, UDP)").wait_for()
