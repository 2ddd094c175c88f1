"""Firefox in one seat, Chromium in the other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from tests.e2e.firefox import firefox
from tests.e2e.running import browser, join, open_page, until
from tests.e2e.timeline import RATE_HZ, samples

from .watching import STATS, WATCH

Evaluate = Callable[[str], Awaitable[Any]]
# The size of the other's picture as it is shown, and its strongest colour.
PICTURE = """(() => {
    const video = document.querySelector('#remote-video');
    const canvas = Object.assign(document.createElement('canvas'), { width: 16, height: 9 });
    const brush = canvas.getContext('2d');
    brush.drawImage(video, 0, 0, 16, 9);
    const colours = brush.getImageData(0, 0, 16, 9).data.filter((_, at) => at % 4 < 3);
    return { width: video.videoWidth, height: video.videoHeight, brightest: Math.max(...colours) };
})()"""
# Without a display there is no screen to choose: a drawing of another shape stands in for it.
SCREEN = """void (navigator.mediaDevices.getDisplayMedia = async () => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 640 });
        const brush = canvas.getContext('2d');
        setInterval(() => {
            brush.fillStyle = `hsl(${performance.now() / 10 % 360} 80% 50%)`;
            brush.fillRect(0, 0, 640, 640);
        }, 66);
        return canvas.captureStream(15);
    })"""


async def _perceived(evaluate: Evaluate) -> dict[str, float]:
    """Return what a page has seen and heard of the other side so far."""
    reports = await evaluate(f"window.peers.length ? ({STATS})() : []")
    inbound = {one["kind"]: one for one in reports if one["type"] == "inbound-rtp"}
    video, audio = inbound.get("video", {}), inbound.get("audio", {})
    names = ("framesDecoded", "frameWidth", "frameHeight")
    return {name: video.get(name, 0) for name in names} | {"energy": audio.get("totalAudioEnergy", 0.0)}


async def _has_shape(evaluate: Evaluate, ratio: float) -> bool:
    now = await _perceived(evaluate)
    return now["frameHeight"] > 0 and abs(now["frameWidth"] / now["frameHeight"] - ratio) < 0.02


async def _is_silent(evaluate: Evaluate) -> bool:
    before = await _perceived(evaluate)
    await asyncio.sleep(0.5)
    return (await _perceived(evaluate))["energy"] - before["energy"] < 1e-5


async def _sees_and_hears(evaluate: Evaluate) -> None:
    """Wait until more frames have been seen and more sound heard than at first."""
    first = await _perceived(evaluate)

    async def more() -> bool:
        now = await _perceived(evaluate)
        return now["framesDecoded"] >= first["framesDecoded"] + 20 and now["energy"] > first["energy"] + 0.002

    await until(more)
    await until(lambda: _has_shape(evaluate, 16 / 9))
    shown = await evaluate(PICTURE)
    assert shown["height"] >= 90
    assert abs(shown["width"] / shown["height"] - 16 / 9) < 0.02
    assert shown["brightest"] > 100


@pytest.mark.timeout(180)
async def test_firefox_and_chromium_see_and_hear_each_other(server):
    consultation = await server.consultation("pt")
    async with browser() as chromium, firefox() as patient:
        doctor = await open_page(chromium, "about:blank")
        await doctor.add_init_script(WATCH)
        await doctor.goto(server.link("clinician", consultation))
        await patient.open(server.link("patient", consultation), WATCH)
        await patient.evaluate(SCREEN)
        await join(doctor)
        await patient.click("#consent-yes")
        await patient.click("#join")
        await patient.wait_for('main[data-screen="call"]')
        await asyncio.gather(_sees_and_hears(doctor.evaluate), _sees_and_hears(patient.evaluate))

        await patient.click("#toggle-microphone")
        await doctor.locator(".name-chip .muted-mark").wait_for()
        await until(lambda: _is_silent(doctor.evaluate))
        await patient.click("#toggle-microphone")
        await doctor.locator(".name-chip .muted-mark").wait_for(state="hidden")
        await patient.click("#toggle-screen")
        await doctor.wait_for_selector('.stage[data-screen="on"]')
        await until(lambda: _has_shape(doctor.evaluate, 1))
        await patient.click("#toggle-screen")
        await until(lambda: _has_shape(doctor.evaluate, 16 / 9))
        await asyncio.gather(_sees_and_hears(doctor.evaluate), _sees_and_hears(patient.evaluate))

        for evaluate in (doctor.evaluate, patient.evaluate):
            assert await evaluate("window.peers.length") == 1
        await doctor.click("#end")
        await doctor.click("#confirm-end")
        await patient.wait_for('main[data-screen="after"]')
        assert patient.complaints == []
    await _both_voices_are_kept(server.recordings / consultation)


async def _both_voices_are_kept(folder) -> None:
    manifest = folder / "manifest.json"

    async def finished() -> bool:
        return await asyncio.to_thread(manifest.exists)

    await until(finished)
    assert {person["role"]: person["lost"] for person in json.loads(manifest.read_text())["participants"]} == {
        "clinician": 0,
        "patient": 0,
    }
    for role in ("clinician", "patient"):
        voice = samples(folder / f"{role}.ogg")
        loud = [np.abs(voice[at : at + RATE_HZ // 10]).max() > 0.02 for at in range(0, len(voice), RATE_HZ // 10)]
        # Chromium's false microphone beeps once a second or oftener; half of that bears a mute in between.
        assert sum(loud) >= len(loud) / 20, (role, loud)
