"""How far a recording is, from the call to the finished files, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from server.model.consultation import Role
from server.model.errors import DiskFull
from server.model.recording_state import FAILED, READY, RECORDING, RecordingState
from server.rooms import finishing
from server.rooms.finishing import Finishing
from server.rooms.registry import Registry

from .fakes import House, join, settle

HALF = RecordingState(state="finalizing", progress=0.5)


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(tmp_path)
    made.finishing = asyncio.Event()
    return made


async def _record(registry: Registry) -> None:
    seating = await registry.seating("consultation-1")
    join(seating, Role.CLINICIAN)
    join(seating, Role.PATIENT)
    await settle()


async def test_a_recording_is_followed_from_the_call_to_its_files(house):
    async with Registry(house.services()) as registry:
        assert registry.recording_state("consultation-1") is None
        await _record(registry)
        assert registry.recording_state("consultation-1") == RECORDING
        await registry.end("consultation-1", "ended_by_api")
        await settle()
        assert registry.recording_state("consultation-1") == HALF
        house.finishing.set()
        await settle()
        assert registry.live_ids() == []
        assert registry.recording_state("consultation-1") == READY


async def test_a_recording_that_cannot_be_finished_has_failed(house):
    house.finish_fault = DiskFull("no space")
    house.finishing.set()
    async with Registry(house.services()) as registry:
        await _record(registry)
        await registry.end("consultation-1", "ended_by_api")
        await settle()
        assert registry.recording_state("consultation-1") == FAILED


async def test_after_a_restart_each_recording_waits_for_its_turn_and_one_without_sound_is_forgotten(house, tmp_path):
    house.left_over = [tmp_path / "consultation-7", tmp_path / "consultation-8"]
    house.files = ()
    async with Registry(house.services()) as registry:
        await registry.resume()
        await settle()
        assert registry.recording_state("consultation-7") == HALF
        assert registry.recording_state("consultation-8") == RecordingState(state="finalizing")
        house.finishing.set()
        await settle()
        assert registry.recording_state("consultation-7") is None


async def test_a_call_without_consent_has_no_recording(house):
    async with Registry(house.services()) as registry:
        seating = await registry.seating("consultation-1")
        join(seating, Role.CLINICIAN, consent=False)
        join(seating, Role.PATIENT)
        await settle()
        assert registry.recording_state("consultation-1").state == "none"
        await registry.end("consultation-1", "ended_by_api")
        await seating.room.finished.wait()
        await settle()
        assert registry.recording_state("consultation-1") is None


def test_only_so_many_are_remembered(monkeypatch):
    monkeypatch.setattr(finishing, "REMEMBERED", 2)
    states = Finishing()
    for name in "abc":
        with states.following(name) as on_progress:
            on_progress(1.5)
    assert [states.state(name) for name in "abc"] == [None, READY, READY]
