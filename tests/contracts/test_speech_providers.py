"""What every speech provider does: the scripted one, Whisper, and those that ask a service elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import jiwer
import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from server.model.errors import SpeechUnavailable
from server.speech.options import ProviderOptions
from server.speech.port import Final, Interim, SpeechEvent, SpeechStream, SpeechToText, StreamOptions
from server.speech.providers import create_provider
from server.speech.scoring import normalized
from tests.speech.fake_endpoint import fake_endpoint
from tests.speech.fake_realtime import fake_realtime
from tests.speech.sound import clip, melody, noise, silence
from tests.speech.voices import Pair, dialogue, leaking

PROVIDERS = ("faster_whisper", "openai_compatible", "openai_realtime", "scripted")
FINALS_ONLY = ("openai_compatible", "openai_realtime")  # the latter where the service streams nothing
PORTION = 320

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest_asyncio.fixture(params=PROVIDERS, scope="module", loop_scope="module")
async def provider(request: pytest.FixtureRequest, models_dir: Path) -> AsyncIterator[SpeechToText]:
    async with fake_realtime() if request.param == "openai_realtime" else fake_endpoint() as elsewhere:
        provider = create_provider(request.param, elsewhere.options(models_dir=models_dir))
        await provider.start()
        yield provider
        await provider.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whisper(models_dir: Path) -> AsyncIterator[SpeechToText]:
    provider = create_provider("faster_whisper", ProviderOptions(models_dir=models_dir))
    await provider.start()
    yield provider
    await provider.aclose()


def push(stream: SpeechStream, samples: NDArray[np.float32], start_s: float = 0.0) -> float:
    """Push samples as packets of 20 ms; return the time of their end."""
    for first in range(0, len(samples), PORTION):
        stream.push_pcm(samples[first : first + PORTION], start_s + first / 16_000)
    return start_s + len(samples) / 16_000


async def rest(stream: SpeechStream) -> list[SpeechEvent]:
    """End the input; return what was still said."""
    stream.end_input()
    async with asyncio.timeout(120):
        events = [event async for event in stream]
    await stream.aclose()
    return events


def finals(events: list[SpeechEvent]) -> list[Final]:
    return [event for event in events if isinstance(event, Final)]


async def test_it_has_a_name(provider: SpeechToText) -> None:
    assert provider.name in PROVIDERS


async def test_speech_becomes_finals_with_words_in_order_on_the_room_clock(provider: SpeechToText) -> None:
    stream = await provider.open(StreamOptions(language="pt"))
    end_s = push(stream, np.concatenate([clip("coxinha_pt.ogg"), silence(1)]), start_s=100.0)
    said = finals(await rest(stream))
    assert said
    for final in said:
        assert 100.0 <= final.start_s < final.end_s <= end_s
        assert final.language == "pt"
        assert [word.text for word in final.words] == final.text.split()
        times = [time for word in final.words for time in (word.start_s, word.end_s)]
        assert all(final.start_s <= time <= final.end_s for time in times)
        assert all(word.start_s <= word.end_s for word in final.words)
        starts = [word.start_s for word in final.words]
        assert starts == sorted(starts)
        assert all(0.0 <= word.probability <= 1.0 for word in final.words)


async def test_every_interim_is_followed_by_the_final_of_its_utterance(provider: SpeechToText) -> None:
    gives_interims = provider.name not in FINALS_ONLY
    stream = await provider.open(StreamOptions(language="pt"))
    samples = clip("raposa_pt.ogg")
    events: list[SpeechEvent] = []
    at_s = push(stream, samples[: 2 * 16_000])
    if gives_interims:
        async with asyncio.timeout(60):
            events.append(await anext(stream))
    push(stream, np.concatenate([samples[2 * 16_000 :], silence(1)]), at_s)
    events += await rest(stream)
    interims = [event for event in events if isinstance(event, Interim)]
    assert finals(events)
    assert bool(interims) == gives_interims
    assert {interim.utterance_id for interim in interims} <= {final.utterance_id for final in finals(events)}
    for place, event in enumerate(events):
        if isinstance(event, Final):
            later = [other for other in events[place + 1 :] if isinstance(other, Interim | Final)]
            assert event.utterance_id not in {other.utterance_id for other in later}


async def test_what_was_shown_as_settled_stays(provider: SpeechToText) -> None:
    stream = await provider.open(StreamOptions(language="en"))
    samples = np.concatenate([clip("ask_not_en.ogg"), silence(1)])
    events: list[SpeechEvent] = []
    at_s = 0.0
    for second in range(0, len(samples), 16_000):
        at_s = push(stream, samples[second : second + 16_000], at_s)
        if provider.name not in FINALS_ONLY:
            await asyncio.sleep(0.3)  # time to show something before the next second
    events += await rest(stream)
    settled: dict[str, str] = {}
    for event in events:
        if isinstance(event, Interim | Final):
            assert event.text.startswith(settled.get(event.utterance_id, ""))
        if isinstance(event, Interim):
            settled[event.utterance_id] = event.text[: event.settled_chars]
    assert finals(events)


async def test_silence_is_no_speech(provider: SpeechToText) -> None:
    stream = await provider.open(StreamOptions(language="pt"))
    push(stream, silence(60))
    assert await rest(stream) == []


async def test_flush_settles_at_once(provider: SpeechToText) -> None:
    stream = await provider.open(StreamOptions(language="pt"))
    push(stream, clip("raposa_pt.ogg")[: 3 * 16_000])
    stream.flush()
    async with asyncio.timeout(60):
        while not isinstance(await anext(stream), Final):
            pass
    await stream.aclose()


async def test_streams_do_not_hear_each_other(provider: SpeechToText) -> None:
    speaking = await provider.open(StreamOptions(language="pt"))
    listening = await provider.open(StreamOptions(language="pt"))
    push(speaking, np.concatenate([clip("coxinha_pt.ogg"), silence(1)]))
    push(listening, silence(5))
    assert finals(await rest(speaking))
    assert await rest(listening) == []


async def test_closing_in_mid_speech_ends_the_iteration_and_harms_no_other(provider: SpeechToText) -> None:
    stream = await provider.open(StreamOptions(language="pt"))
    other = await provider.open(StreamOptions(language="pt"))
    push(stream, clip("raposa_pt.ogg"))
    await stream.aclose()
    await stream.aclose()
    stream.push_pcm(silence(1), 90.0)
    async with asyncio.timeout(10):
        assert [event for event in [event async for event in stream] if isinstance(event, Final)] == []
    push(other, np.concatenate([clip("raposa_pt.ogg"), silence(1)]))
    assert finals(await rest(other))


async def test_flushing_and_ending_where_nobody_spoke_says_nothing(provider: SpeechToText) -> None:
    stream = await provider.open(StreamOptions(language="pt"))
    stream.flush()
    push(stream, silence(1))
    stream.flush()
    stream.end_input()
    assert await rest(stream) == []


async def test_what_comes_after_the_end_is_not_heard(provider: SpeechToText) -> None:
    stream = await provider.open(StreamOptions(language="pt"))
    at_s = push(stream, np.concatenate([clip("coxinha_pt.ogg"), silence(1)]))
    stream.end_input()
    push(stream, np.concatenate([clip("coxinha_pt.ogg"), silence(1)]), at_s)
    said = finals(await rest(stream))
    assert said
    assert max(final.end_s for final in said) <= at_s


@pytest.mark.parametrize("name", PROVIDERS)
async def test_nothing_is_opened_before_the_start_and_after_the_end(name: str) -> None:
    unused = create_provider(name, ProviderOptions(base_url="http://127.0.0.1:9/v1", remote_model="m"))
    with pytest.raises(SpeechUnavailable):
        await unused.open(StreamOptions())
    await unused.aclose()
    await unused.aclose()
    with pytest.raises(SpeechUnavailable):
        await unused.open(StreamOptions())


async def test_odd_portions_and_holes_do_not_raise(provider: SpeechToText) -> None:
    stream = await provider.open(StreamOptions(language="pt"))
    stream.push_pcm(np.zeros(0, np.float32), 0.0)
    stream.push_pcm(np.full(7, 5.0, np.float32), 3.0)
    stream.push_pcm(noise(0.5), 2.0)
    stream.push_pcm(noise(0.5), 5000.0)
    await rest(stream)


@pytest.mark.parametrize(
    ("name", "language", "spoken", "text"),
    [
        ("coxinha_pt.ogg", "pt", "pt", "eu quero uma coxinha de frango"),
        ("raposa_pt.ogg", None, "pt", "uma raposa velha não consegue aprender nenhum ofício"),
        (
            "ask_not_en.ogg",
            None,
            "en",
            "and so my fellow americans ask not what your country can do for you ask what you can do for your country",
        ),
    ],
)
async def test_whisper_hears_what_is_said(
    whisper: SpeechToText, name: str, language: str | None, spoken: str, text: str
) -> None:
    stream = await whisper.open(StreamOptions(language=language))
    push(stream, np.concatenate([clip(name), silence(1)]))
    said = finals(await rest(stream))
    assert {final.language for final in said} == {spoken}
    assert jiwer.wer(text, normalized(" ".join(final.text for final in said))) <= 0.25


async def test_whisper_makes_nothing_of_noise_and_music(whisper: SpeechToText) -> None:
    stream = await whisper.open(StreamOptions(language="pt", prompt="losartana, dipirona"))
    push(stream, np.concatenate([noise(30, 0.1), melody(30), noise(30, 0.003), silence(10)]))
    assert await rest(stream) == []


async def test_whisper_times_words_within_their_speech(whisper: SpeechToText) -> None:
    stream = await whisper.open(StreamOptions(language="en"))
    push(stream, np.concatenate([silence(2), clip("ask_not_en.ogg"), silence(1)]))
    words = [word for final in finals(await rest(stream)) for word in final.words]
    times = {normalized(word.text): word.start_s - 2 for word in words}
    assert times["fellow"] == pytest.approx(1.0, abs=0.35)
    assert times["country"] > 9.0


async def test_a_dialogue_that_leaks_both_ways_is_transcribed_once(whisper: SpeechToText) -> None:
    clean = tuple(voice[: 12 * 16_000] for voice in dialogue())
    pair = Pair().hear(leaking(clean[0], clean[1], 0.1), leaking(clean[1], clean[0], 0.1))
    said = ("bom dia dona maria o que traz a senhora aqui hoje como é essa dor ela aperta queima ou dá pontadas",)
    said += ("bom dia doutor estou com dor no peito há três dias",)
    for which, words in enumerate(said):
        stream = await whisper.open(StreamOptions(language="pt"))
        push(stream, pair.sound(which))
        read = " ".join(final.text for final in finals(await rest(stream)))
        assert jiwer.wer(words, normalized(read)) < 0.35
