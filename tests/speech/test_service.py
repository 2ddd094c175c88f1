"""The speech process from outside: loaded in the background, restarted when it dies, never in the way."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from server.model.audio import OpusPacket
from server.settings import Settings
from server.speech.port import Final, Interim, ServiceChanged, SpeechEvent, StateChanged, StreamOptions
from server.speech.service import SpeechService
from tests.speech.fake_endpoint import KEY, MODEL, fake_endpoint, hears, status
from tests.speech.sound import opus_of, opus_of_clip, opus_of_tone, packets
from tests.speech.voices import dialogue, leaking

SILENCE = b"\xf8\xff\xfe"


def settings(tmp_path: Path, provider: str = "scripted") -> Settings:
    return Settings(data_dir=tmp_path, speech_provider=provider, _env_file=None)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[SpeechService]:
    service = SpeechService(settings(tmp_path))
    await service.start()
    yield service
    await service.aclose()


async def until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is waited for is another process
            await asyncio.sleep(0.01)


def utterance(seconds: float, start_s: float = 0.0, first: int = 0) -> list[OpusPacket]:
    """Return packets of a tone of that length and a second of silence."""
    return packets(opus_of_tone(seconds) + [SILENCE] * 50, first=first, start_s=start_s)


def finals(events: list[SpeechEvent]) -> list[Final]:
    return [event for event in events if isinstance(event, Final)]


async def test_start_does_not_wait_for_the_model(tmp_path: Path) -> None:
    before = psutil.Process().children()
    service = SpeechService(settings(tmp_path))
    await service.start()
    assert service.state.state == "starting"
    await service.aclose()
    assert [child for child in psutil.Process().children() if child not in before] == []


async def test_what_is_said_while_the_model_loads_is_heard_afterwards(service: SpeechService) -> None:
    events: list[SpeechEvent] = []
    channel = service.open(StreamOptions(), events.append)
    for packet in utterance(0.9, start_s=7.0):
        channel.push_packet(packet)
    assert service.state.state == "starting"
    await channel.close(timeout_s=60)
    [final] = finals(events)
    assert final.text == "estou com dor"
    assert final.start_s == pytest.approx(7.0, abs=0.05)
    assert [word.text for word in final.words] == ["estou", "com", "dor"]


async def test_an_agents_provider_hears_and_the_fallback_stands_in(tmp_path: Path) -> None:
    async with fake_endpoint() as fake:
        fake.script = [hears, status(503)]
        known = {"speech_base_url": fake.url, "speech_remote_model": MODEL, "speech_api_key": KEY}
        service = SpeechService(
            Settings(data_dir=tmp_path, speech_provider="scripted", speech_fallback="scripted", _env_file=None, **known)
        )
        await service.start()
        events: list[SpeechEvent] = []
        channel = service.open(StreamOptions(provider="openai_compatible"), events.append)
        # Silero, which cuts here, takes no tone for a voice.
        for packet in packets(2 * (opus_of_clip("coxinha_pt.ogg") + [SILENCE] * 50)):
            channel.push_packet(packet)
        await channel.close(timeout_s=60)
        await service.aclose()
    assert fake.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert [final.provider for final in finals(events)] == ["", "scripted"]
    assert ServiceChanged("delayed", "fallback") in events


async def test_two_participants_are_heard_apart(service: SpeechService) -> None:
    heard: tuple[list[SpeechEvent], list[SpeechEvent]] = ([], [])
    channels = [service.open(StreamOptions(), events.append) for events in heard]
    for channel, seconds in zip(channels, (0.6, 1.5), strict=True):
        for packet in utterance(seconds):
            channel.push_packet(packet)
    await asyncio.gather(*(channel.close(timeout_s=60) for channel in channels))
    assert [final.text for events in heard for final in finals(events)] == ["estou com", "estou com dor no peito"]


@pytest.mark.parametrize(("rooms", "voices"), [(("one", "one"), [True, False]), (("one", "other"), [True, True])])
async def test_a_voice_in_both_microphones_of_a_room_is_heard_once(
    service: SpeechService, rooms: tuple[str, str], voices: list[bool]
) -> None:
    clinician, _ = dialogue()
    voice = clinician[: 4 * 16_000]
    microphones = voice, leaking(np.zeros_like(voice), voice, 0.1)
    heard: tuple[list[SpeechEvent], list[SpeechEvent]] = ([], [])
    channels = [
        service.open(StreamOptions(room=room), events.append) for room, events in zip(rooms, heard, strict=True)
    ]
    # All that waits while the model loads: one voice first, then the other.
    for channel, sound in zip(channels, microphones, strict=True):
        for packet in packets(opus_of(sound) + [SILENCE] * 50):
            channel.push_packet(packet)
    await asyncio.gather(*(channel.close(timeout_s=60) for channel in channels))
    assert [bool(finals(events)) for events in heard] == voices


async def test_a_killed_process_is_replaced_and_nothing_said_is_lost(service: SpeechService) -> None:
    states: list[StateChanged] = []
    service.subscribe_state(states.append)
    events: list[SpeechEvent] = []
    channel = service.open(StreamOptions(), events.append)
    sent = utterance(2.4)
    for packet in sent[:90]:
        channel.push_packet(packet)
    await until(lambda: any(isinstance(event, Interim) for event in events))
    first_process = service.process_id
    assert first_process is not None
    os.kill(first_process, signal.SIGKILL)
    await until(lambda: service.process_id not in (None, first_process))
    for packet in sent[90:]:
        channel.push_packet(packet)
    await channel.close(timeout_s=60)
    [final] = finals(events)
    assert {event.utterance_id for event in events if isinstance(event, Interim)} == {final.utterance_id}
    for event in events:
        if isinstance(event, Interim):
            assert final.text.startswith(event.text[: event.settled_chars])
    assert final.text == "estou com dor no peito há três dias"
    assert final.start_s == pytest.approx(0.0, abs=0.05)
    assert [state.state for state in states] == ["ok", "failing", "ok"]


async def test_what_was_settled_is_not_heard_again_after_a_restart(service: SpeechService) -> None:
    events: list[SpeechEvent] = []
    channel = service.open(StreamOptions(), events.append)
    for packet in utterance(0.9):
        channel.push_packet(packet)
    await until(lambda: len(finals(events)) == 1)
    process = service.process_id
    assert process is not None
    os.kill(process, signal.SIGKILL)
    await until(lambda: service.restarts == 1)
    for packet in utterance(0.6, start_s=5.0, first=500):
        channel.push_packet(packet)
    await channel.close(timeout_s=60)
    assert [final.text for final in finals(events)] == ["estou com dor", "estou com"]


async def test_a_participant_who_comes_back_is_heard_on_the_same_channel(service: SpeechService) -> None:
    events: list[SpeechEvent] = []
    channel = service.open(StreamOptions(), events.append)
    for packet in utterance(0.6, first=65_000):
        channel.push_packet(packet)
    channel.mark_connection()
    for packet in utterance(0.6, start_s=30.0, first=3):
        channel.push_packet(packet)
    await channel.close(timeout_s=60)
    assert [round(final.start_s) for final in finals(events)] == [0, 30]


async def test_an_utterance_settles_when_packets_just_stop(service: SpeechService) -> None:
    events: list[SpeechEvent] = []
    channel = service.open(StreamOptions(), events.append)
    for packet in packets(opus_of_tone(0.9)):
        channel.push_packet(packet)
    await until(lambda: len(finals(events)) == 1)
    await channel.close()


async def test_flush_settles_what_is_being_said(service: SpeechService) -> None:
    events: list[SpeechEvent] = []
    channel = service.open(StreamOptions(), events.append)
    for packet in packets(opus_of_tone(0.9)):
        channel.push_packet(packet)
    channel.flush()
    await until(lambda: len(finals(events)) == 1)
    await channel.close()


async def test_a_provider_that_does_not_exist_is_a_failing_state_not_an_error(tmp_path: Path) -> None:
    service = SpeechService(settings(tmp_path, "telepathy"))
    await service.start()
    channel = service.open(StreamOptions(), lambda event: None)
    channel.push_packet(utterance(0.6)[0])
    await until(lambda: service.state.state == "failing")
    assert "telepathy" in service.state.detail
    await channel.close(timeout_s=0.05)
    await service.aclose()


async def test_a_callback_that_fails_is_counted_and_harms_nobody(service: SpeechService) -> None:
    def fail(event: SpeechEvent) -> None:
        raise ValueError("the room fell over")

    broken = service.open(StreamOptions(), fail)
    events: list[SpeechEvent] = []
    sound = service.open(StreamOptions(), events.append)
    for channel in (broken, sound):
        for packet in utterance(0.6):
            channel.push_packet(packet)
    await asyncio.gather(broken.close(60), sound.close(60))
    assert broken.on_event_errors > 0
    assert len(finals(events)) == 1


async def test_closing_leaves_no_process_behind(tmp_path: Path) -> None:
    service = SpeechService(settings(tmp_path))
    await service.start()
    await until(lambda: service.state.state == "ok")
    process = psutil.Process(service.process_id)
    await service.aclose()
    assert not process.is_running()


async def test_the_process_ignores_the_terminals_interrupt(service: SpeechService) -> None:
    await until(lambda: service.state.state == "ok")
    process = service.process_id
    assert process is not None
    os.kill(process, signal.SIGINT)
    os.kill(process, signal.SIGTERM)
    events: list[SpeechEvent] = []
    channel = service.open(StreamOptions(), events.append)
    for packet in utterance(0.6):
        channel.push_packet(packet)
    await channel.close(timeout_s=60)
    assert len(finals(events)) == 1
    assert service.process_id == process


async def test_what_the_model_is_asked_is_counted_across_its_processes(service: SpeechService) -> None:
    channel = service.open(StreamOptions(), lambda event: None)
    for packet in utterance(0.9):
        channel.push_packet(packet)
    await until(lambda: service.model_figures.requests > 0)
    before, process = service.model_figures, service.process_id
    assert sum(before.waits) == before.requests
    assert process is not None
    os.kill(process, signal.SIGKILL)
    await until(lambda: service.restarts == 1)
    for packet in utterance(0.6, start_s=5.0, first=500):
        channel.push_packet(packet)
    await until(lambda: service.model_figures.requests > before.requests)
    await channel.close(timeout_s=60)
