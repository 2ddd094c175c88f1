"""A consultation in two real browsers, from the link to the summary."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.e2e.running import FIXTURE, browser, join, open_page
from tests.e2e.timeline import RATE_HZ, offset_s, samples

from .watching import WATCH, of, stats, wait_for_frames

SPOKEN_S = 25


async def _watched(chromium, link, **context):
    page = await open_page(chromium, "about:blank", **context)
    await page.add_init_script(WATCH)
    await page.goto(link)
    return page


async def _wait_for_text(page, selector: str, text: str) -> None:
    await page.locator(selector).filter(has_text=text).first.wait_for(timeout=60_000)


@pytest.mark.alone
@pytest.mark.timeout(300)
async def test_two_people_meet_are_heard_written_down_advised_and_recorded(server, microphones):
    consultation = await server.consultation("pt")
    async with browser(microphones["clinician"]) as doctors, browser(microphones["patient"]) as patients:
        doctor = await _watched(doctors, server.link("clinician", consultation))
        patient = await _watched(patients, server.link("patient", consultation))
        await asyncio.gather(join(doctor), join(patient))
        await asyncio.gather(wait_for_frames(doctor), wait_for_frames(patient))

        before = {page: await stats(page) for page in (doctor, patient)}
        await asyncio.sleep(8)
        after = {page: await stats(page) for page in (doctor, patient)}
        for sender, receiver in ((doctor, patient), (patient, doctor)):
            sent = _grown(before[sender], after[sender], "outbound-rtp", "video", "framesSent")
            received = _grown(before[receiver], after[receiver], "inbound-rtp", "video", "framesReceived")
            assert received >= 0.9 * sent > 0
            for media in ("audio", "video"):
                assert of(after[receiver], "inbound-rtp", media)["packetsLost"] == 0

        for page in (doctor, patient):
            await _wait_for_text(page, '#captions [data-role="patient"]', "peito")
            await _wait_for_text(page, '#captions [data-role="clinician"]', "senhora")
            assert await page.locator("#recording-state").is_visible()
            assert "SRTP" in await page.locator("#encryption").inner_text()
        await doctor.locator("#captions [data-entity]").filter(has_text="peito").first.wait_for(timeout=60_000)
        await doctor.locator("#tips [data-tip]").first.wait_for(timeout=60_000)
        await asyncio.sleep(max(0, SPOKEN_S - await _call_s(doctor)))
        assert await patient.locator("[data-tip], [data-entity]").count() == 0

        await doctor.click("#end")
        await doctor.locator("dialog[open] button").last.click()
        for page in (doctor, patient):
            await page.wait_for_selector('main[data-screen="after"]')
            await _wait_for_text(page, "main", "peito")
        await doctor.get_by_text("clinician.wav").first.wait_for(timeout=60_000)
        assert await patient.get_by_text("clinician.wav").count() == 0
    await _check_what_is_kept(server, consultation, microphones)


def _grown(before, after, kind: str, media: str, counter: str) -> int:
    return of(after, kind, media)[counter] - of(before, kind, media)[counter]


async def _call_s(page) -> float:
    shown = (await page.locator("#call-time").inner_text()).split(":")
    return float(shown[-2]) * 60 + float(shown[-1])


async def _check_what_is_kept(server, consultation: str, microphones) -> None:
    said = (await server.call("GET", f"/api/consultations/{consultation}/transcript"))["utterances"]
    assert {one["role"] for one in said} == {"clinician", "patient"}
    live = (await server.call("GET", f"/api/consultations/{consultation}/transcript?edition=live"))["utterances"]
    texts = {one["id"]: one["text"] for one in live}
    named = (await server.call("GET", f"/api/consultations/{consultation}/entities?edition=live"))["entities"]
    assert any(one["category"] == "SymptomOrSign" and "peito" in one["text"] for one in named)
    assert all(texts[one["utterance_id"]][one["start"] : one["end"]] == one["text"] for one in named)
    tips = (await server.call("GET", f"/api/consultations/{consultation}/tips"))["tips"]
    assert any(one["tip"]["urgent"] for one in tips)
    assert all(one["tip"]["evidence"] for one in tips if one["tip"]["urgent"])

    folder = server.recordings / consultation
    manifest = json.loads((folder / "manifest.json").read_text())
    assert sorted(file["name"] for file in manifest["files"]) == [
        "clinician.ogg",
        "clinician.wav",
        "mixed.ogg",
        "patient.ogg",
        "patient.wav",
    ]
    assert len({round(file["duration_s"], 3) for file in manifest["files"]}) == 1
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir() if path.is_file()} == {0o600}
    turns = json.loads((FIXTURE / "reference.json").read_text())["turns"]
    for role in ("clinician", "patient"):
        sent = samples(microphones[role])
        offsets = [
            # The microphone plays its file again and again: in a long call a turn may be found in a later round.
            offset_s(sent, samples(folder / f"{role}.{kind}"), turn["start_s"], turn["end_s"]) % (len(sent) / RATE_HZ)
            for kind in ("ogg", "wav")
            for turn in turns[2:]
            if turn["speaker"] == role
        ]
        assert max(offsets) - min(offsets) <= 0.05, (role, offsets)


@pytest.mark.timeout(120)
async def test_reload_takes_the_seat_again_and_the_other_side_keeps_its_connection(server):
    consultation = await server.consultation("pt")
    async with browser() as chromium:
        doctor = await _watched(chromium, server.link("clinician", consultation))
        patient = await _watched(chromium, server.link("patient", consultation))
        await join(doctor)
        await asyncio.sleep(1)
        await join(patient)
        await asyncio.gather(wait_for_frames(doctor), wait_for_frames(patient))
        await patient.reload()
        await join(patient)
        await wait_for_frames(patient)
        await wait_for_frames(doctor)
        assert await doctor.evaluate("window.peers.length") == 1
        assert await doctor.locator('main[data-screen="call"]').count() == 1

        await patient.click("#leave")
        await patient.wait_for_selector('main[data-screen="after"]')
        assert await doctor.locator('main[data-screen="call"]').count() == 1


@pytest.mark.timeout(120)
async def test_a_call_without_consent_works_and_keeps_nothing(server):
    consultation = await server.consultation("en")
    async with browser() as chromium:
        doctor = await _watched(chromium, server.link("clinician", consultation), locale="en-GB")
        patient = await _watched(chromium, server.link("patient", consultation), locale="en-GB")
        await asyncio.gather(join(doctor), join(patient, consent=False))
        await asyncio.gather(wait_for_frames(doctor, 40), wait_for_frames(patient, 40))
    assert not (server.recordings / consultation).exists()
    activity = await server.call("GET", f"/api/consultations/{consultation}/activity")
    assert "recording_started" not in json.dumps(activity)
