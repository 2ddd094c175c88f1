"""Speech recognition that stands still holds nothing up: the recording is whole, and the words come after the call."""

from __future__ import annotations

import asyncio
import os
import signal

from server.model.consultation import Role
from server.model.events import AudioGap, FinalTranscript
from server.speech.port import StateChanged
from server.speech.service import SpeechService
from tests.speech.sound import opus_of_tone, packets

from .fakes import House, join, settle
from .test_room import living

SILENCE = b"\xf8\xff\xfe"
TURNS = 8


async def test_while_the_speech_process_stands_still_all_is_recorded_and_heard_after_the_call(tmp_path) -> None:
    house = House(tmp_path, speech_provider="scripted")
    house.speech = SpeechService(house.settings)
    await house.speech.start()
    ready = asyncio.Event()
    house.speech.subscribe_state(lambda state: ready.set() if state == StateChanged("ok") else None)
    async with asyncio.timeout(60), living(house.room()) as seating:
        await ready.wait()
        join(seating, Role.PATIENT)
        doctor, _, _ = join(seating, Role.CLINICIAN)
        await settle()
        os.kill(house.speech.process_id, signal.SIGSTOP)
        said = packets((opus_of_tone(0.9) + [SILENCE] * 50) * TURNS)
        for packet in said:
            for role in Role:
                seating.room.capture.heard(role, packet)
            await asyncio.sleep(0)
        recorder = house.recorders[0]
        assert len(recorder.packets) == 2 * len(said)
        seating.end(doctor)
        await settle()
        assert recorder.calls[-1] == "close"
        assert not seating.room.finished.is_set()
        os.kill(house.speech.process_id, signal.SIGCONT)
        await seating.room.finished.wait()
    await house.speech.aclose()
    finals = [event.utterance for event in house.store.recorded if isinstance(event, FinalTranscript)]
    for role in Role:
        own = [final for final in finals if final.role is role]
        assert [final.text for final in own] == ["estou com dor"] * TURNS
        assert own == sorted(own, key=lambda final: final.start_s)
    assert not [event for event in house.store.recorded if isinstance(event, AudioGap)]
