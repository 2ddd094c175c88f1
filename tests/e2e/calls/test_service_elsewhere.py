"""Voices that leave the machine: who hears them is named before joining, and the words that come back are shown."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import expect

from server.speech.providers.scripted import SCRIPT
from tests.e2e.running import browser, join, open_page, running_server
from tests.speech.fake_endpoint import KEY, MODEL, fake_endpoint

SERVICE = "Fala Hospedada (fala.example.org)"


@pytest.mark.timeout(300)
async def test_participants_are_told_who_hears_them_and_hear_of_it_from_there(tmp_path, data_dir, microphones):
    async with fake_endpoint() as elsewhere:
        settings = {
            "SPEECH_PROVIDER": "openai_compatible",
            "SPEECH_BASE_URL": elsewhere.url,
            "SPEECH_API_KEY": KEY,
            "SPEECH_REMOTE_MODEL": MODEL,
            "SPEECH_SERVICE_NAME": SERVICE,
        }
        with running_server(tmp_path, data_dir, **settings) as server:
            consultation = await server.consultation("pt")
            told = await server.call("GET", f"/api/consultations/{consultation}")
            assert told["voices_go_to"] == SERVICE
            assert KEY not in json.dumps(told)
            assert elsewhere.url.split("/")[2] not in json.dumps(told)
            async with browser(microphones["patient"]) as patients, browser(microphones["clinician"]) as doctors:
                patient = await open_page(patients, server.link("patient", consultation))
                doctor = await open_page(doctors, server.link("clinician", consultation), locale="en-GB")
                await expect(patient.locator("#who-hears")).to_contain_text(f"fora deste servidor: {SERVICE}")
                await expect(doctor.locator("#who-hears")).to_contain_text(f"outside this server: {SERVICE}")
                assert elsewhere.asked == []
                await asyncio.gather(join(patient), join(doctor))
                await doctor.locator("#captions").get_by_text(SCRIPT[0]).first.wait_for(timeout=60_000)
                await doctor.click("#quality")
                await expect(doctor.locator("#speech-service")).to_have_text(f"{SERVICE} (outside this server)")
            assert {asked.headers["Authorization"] for asked in elsewhere.asked} == {f"Bearer {KEY}"}
    assert KEY not in (tmp_path / "server.log").read_text()
