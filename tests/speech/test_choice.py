"""Each stream is heard by the provider it names; voices go nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from server.model.errors import InvalidSettings
from server.speech.choice import Choice
from server.speech.port import Final, Gap, ServiceChanged, SpeechEvent, SpeechStream, StreamOptions
from tests.speech.fake_endpoint import FakeEndpoint, fake_endpoint, status
from tests.speech.sound import clip, silence


@pytest.fixture
async def fake() -> AsyncIterator[FakeEndpoint]:
    async with fake_endpoint() as server:
        yield server


async def said(stream: SpeechStream) -> list[SpeechEvent]:
    sound = np.concatenate([clip("coxinha_pt.ogg"), silence(1)])
    for first in range(0, len(sound), 320):
        stream.push_pcm(sound[first : first + 320], first / 16_000)
    stream.end_input()
    async with asyncio.timeout(20):
        events = [event async for event in stream]
    await stream.aclose()
    return events


async def heard_by(choice: Choice, provider: str | None) -> list[SpeechEvent]:
    return await said(await choice.open(StreamOptions(provider=provider)))


@pytest.fixture
async def choices(fake: FakeEndpoint, tmp_path: Path) -> AsyncIterator[Any]:
    made: list[Choice] = []

    def make(default: str, **changes: Any) -> Choice:
        made.append(Choice(default, fake.options(models_dir=tmp_path, **changes)))
        return made[-1]

    yield make
    for choice in made:
        await choice.aclose()


async def test_a_stream_is_heard_by_the_provider_it_names(fake: FakeEndpoint, choices: Any) -> None:
    choice = choices("scripted")
    await choice.start()
    assert any(isinstance(event, Final) for event in await heard_by(choice, None))
    assert fake.asked == []
    assert any(isinstance(event, Final) for event in await heard_by(choice, "openai_compatible"))
    assert len(fake.asked) == 1


async def test_the_fallback_stands_in_when_the_service_fails(fake: FakeEndpoint, choices: Any) -> None:
    fake.script = [status(401)]
    choice = choices("openai_compatible", fallback="scripted")
    await choice.start()
    events = await heard_by(choice, None)
    assert ServiceChanged("delayed", "fallback") in events
    assert [event.provider for event in events if isinstance(event, Final)] == ["scripted"]


@pytest.mark.parametrize("unusable", ["telepathy", "faster_whisper"])
async def test_a_provider_that_cannot_be_used_is_never_replaced_by_a_service_elsewhere(
    fake: FakeEndpoint, choices: Any, unusable: str
) -> None:
    choice = choices("openai_compatible", model="/nowhere/whisper")
    await choice.start()
    events = await heard_by(choice, unusable)
    assert events[0] == ServiceChanged("failing", "unreachable")
    assert [type(event) for event in events[1:]] == [Gap]
    assert fake.asked == []


async def test_a_provider_that_cannot_be_used_is_replaced_by_the_fallback(choices: Any) -> None:
    choice = choices("scripted", fallback="scripted", base_url="")
    await choice.start()
    events = await heard_by(choice, "openai_compatible")
    assert events[0] == ServiceChanged("delayed", "fallback")
    assert any(isinstance(event, Final) for event in events)


async def test_a_fallback_elsewhere_is_refused(choices: Any) -> None:
    with pytest.raises(InvalidSettings, match="SPEECH_FALLBACK is 'openai_compatible'"):
        await choices("openai_compatible", fallback="openai_compatible").start()
    with pytest.raises(InvalidSettings, match="'telepathy'"):
        await choices("openai_compatible", fallback="telepathy").start()
