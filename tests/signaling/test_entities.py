"""What was found goes to the clinician's socket, and never to the patient's: live, replayed, or after a restart."""

from __future__ import annotations

from tests.rooms.test_annotation import ASKED, DENIED, found_before, left_live, say

from .conftest import Browser, House, open_desk


def kinds(browser: Browser) -> list[str]:
    return [message["event"]["type"] for message in browser.seen if message["type"] == "event"]


async def drained(browser: Browser) -> Browser:
    """Read everything that was sent before the answer to a ping."""
    await browser.send(type="ping", t=1)
    await browser.next("pong")
    return browser


async def test_the_patients_socket_never_gets_what_was_found_live_or_by_replay(desk):
    clinician = await desk.join("clinician")
    patient = await desk.join("patient")
    await clinician.next("event", type="participant_joined", role="patient")
    say(desk.house, ASKED, DENIED)
    found = await clinician.next("event", type="entities_found", utterance_id="u2")
    assert {one["text"]: one["assertion"] for one in found["event"]["entities"]} == {
        "dor de cabeça": "affirmed",
        "febre": "negated",
    }
    assert kinds(await drained(patient)).count("final_transcript") == 2
    assert "entities_found" not in kinds(patient)
    again = await desk.join("patient", after=0)
    assert kinds(await drained(again)).count("final_transcript") == 2
    assert "entities_found" not in kinds(again)
    back = await desk.join("clinician", after=0)
    assert kinds(await drained(back)).count("entities_found") == 2


async def test_after_a_restart_too(tmp_path):
    house = House(tmp_path)
    left_live(house, ASKED, DENIED)
    house.store.named = await found_before(ASKED, DENIED)
    async with open_desk(house) as desk:
        patient, clinician = await desk.join("patient"), await desk.join("clinician")
        assert kinds(await drained(patient)).count("final_transcript") == 2
        assert "entities_found" not in kinds(patient)
        assert kinds(await drained(clinician)).count("entities_found") == 1
