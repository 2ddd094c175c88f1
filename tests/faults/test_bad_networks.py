"""A real call over a bad network: it goes on, and it comes back."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.e2e.running import running_server, until

from .call import faulty_call, resumed, sums
from .link import Burst, Conditions

EXPIRES_S = 12.0
SOONER = f"from server.media import consent; consent.EXPIRES_S, consent.CHECK_EVERY_S = {EXPIRES_S}, 2.0"
"""Instead of 30 s, checked every 5. By 6 s later Chromium, which waits 15, has given its connection up as well."""


@pytest.mark.timeout(240)
async def test_a_call_survives_heavy_loss_and_an_absence_longer_than_consent(tmp_path, data_dir):
    with running_server(tmp_path, data_dir, first=SOONER, SPEECH_PROVIDER="scripted") as server:
        async with faulty_call(server) as call:
            await _lossy(call, Conditions(loss=0.1, delay_s=0.03))
            await _lossy(
                call, Conditions(burst=Burst(0.05, 5), delay_s=0.03, jitter_s=0.02, reorder=0.02, duplicate=0.02)
            )
            call.network.rebind()
            await resumed(call)
            assert await call.connections() == {"doctor": 1, "patient": 1}

            call.network.set(Conditions(blackout=True))
            await asyncio.sleep(EXPIRES_S + 6)
            await expect(call.patient.locator('.reconnect [role="timer"]')).to_contain_text("Tentando de novo")
            await expect(call.doctor.locator("#peer-state")).to_have_text("Maria está reconectando…")
            await expect(call.doctor.locator(".peer-kept")).to_be_visible()
            call.network.set(Conditions())
            await resumed(call)
            await expect(call.patient.locator(".reconnect")).to_have_count(0)
            assert (await call.connections())["doctor"] == 1, "the one who stayed has nothing to negotiate"
            for page in call.pages.values():
                assert await page.locator('main[data-screen="call"]').count() == 1
            assert call.network.up.counters.lost > 100


async def _lossy(call, conditions: Conditions) -> None:
    """Wait until both have seen 40 more frames and what was lost, either way, has been sent again."""
    before = {name: await sums(page) for name, page in call.pages.items()}
    call.network.set(conditions)

    async def well() -> bool:
        now = {name: await sums(page) for name, page in call.pages.items()}

        def more(name: str, counter: str) -> float:
            return now[name][counter] - before[name][counter]

        return (
            all(more(name, "video.framesDecoded") >= 40 for name in now)
            and more("patient", "video.retransmittedPacketsReceived") > 0
            and more("patient", "video.out.retransmittedPacketsSent") > 0
        )

    await until(well)
