"""A final is guessed in the first short silence, and forgotten if more is said."""

import asyncio

import numpy as np
import pytest

from server.speech.port import Final, Interim, SpeechEvent, StreamOptions
from server.speech.recogniser import Hypothesis, Request
from tests.speech.sound import silence, tone
from tests.speech.test_transcriber import Listening, ScriptedModel


@pytest.fixture
async def listening() -> Listening:
    listening = Listening(ScriptedModel(), StreamOptions())
    listening.model.answer = lambda request: Hypothesis(" ".join(words(request)), language="pt")
    return listening


def words(request: Request) -> list[str]:
    """Return a word for each 0.25 s of sound that is loud."""
    return [f"palavra{n}" for n in range(round(float((np.abs(request.samples) > 0.01).sum()) / 16_000 * 4))]


def asked(listening: Listening) -> int:
    return sum(request.final for request in listening.model.requests)


async def shown(listening: Listening, until_final_asked: int) -> list[SpeechEvent]:
    """Return events until so many finals have been read."""
    events = []
    while asked(listening) < until_final_asked:
        events.append(await asyncio.wait_for(anext(listening.stream), 10))
    return events


async def test_a_final_is_read_before_the_silence_is_long_enough_to_end_the_utterance(listening: Listening) -> None:
    at_s = listening.push(np.concatenate([tone(1), silence(0.25)]))
    events = await shown(listening, 1)
    assert all(isinstance(event, Interim) for event in events)
    listening.push(silence(1), at_s)
    [final] = [event for event in await listening.end() if isinstance(event, Final)]
    assert asked(listening) == 1
    assert final.text.startswith("palavra0")
    assert final.end_s == pytest.approx(1.0, abs=0.04)


async def test_a_guess_is_discarded_when_speech_goes_on(listening: Listening) -> None:
    at_s = listening.push(np.concatenate([tone(1), silence(0.25)]))
    await shown(listening, 1)
    listening.push(np.concatenate([tone(1), silence(1)]), at_s)
    [final] = [event for event in await listening.end() if isinstance(event, Final)]
    assert asked(listening) == 2
    assert final.end_s == pytest.approx(2.25, abs=0.04)
    assert len(final.text.split()) == 8


async def test_a_guess_that_waits_when_speech_goes_on_is_never_read(listening: Listening) -> None:
    listening.model.go.clear()
    listening.push(np.concatenate([tone(1), silence(0.25), tone(1), silence(1)]))
    listening.model.go.set()
    await listening.end()
    assert asked(listening) == 1


async def test_a_guess_that_failed_is_asked_for_again(listening: Listening) -> None:
    answer = listening.model.answer

    def fail_once(request: Request) -> Hypothesis:
        if request.final:
            listening.model.answer = answer
            raise RuntimeError("out of memory")
        return Hypothesis("")

    listening.model.answer = fail_once
    at_s = listening.push(np.concatenate([tone(0.5), silence(0.25)]))
    await shown_nothing(listening)
    listening.push(silence(1), at_s)
    [final] = [event for event in await listening.end() if isinstance(event, Final)]
    assert final.text
    assert asked(listening) == 2


async def shown_nothing(listening: Listening) -> None:
    """Wait until the model has read one final, of which nothing is shown."""
    async with asyncio.timeout(10):
        while not asked(listening):  # noqa: ASYNC110 - what is waited for is another thread
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)


async def test_nothing_settles_that_a_pending_guess_does_not_know(listening: Listening) -> None:
    at_s = listening.push(tone(2.0))
    first = await asyncio.wait_for(anext(listening.stream), 10)
    at_s = listening.push(tone(1.0), at_s)
    listening.model.go.clear()
    listening.push(silence(0.25), at_s)
    listening.model.go.set()
    listening.push(silence(1), at_s + 0.25)
    events = await listening.end()
    settled = [one.text[: one.settled_chars] for one in (first, *events) if isinstance(one, Interim)]
    asked_with = [request.settled for request in listening.model.requests if request.final]
    assert asked_with == [settled[-1]]


async def test_a_click_is_not_worth_a_guess(listening: Listening) -> None:
    listening.push(np.concatenate([tone(0.06), silence(1)]))
    await listening.end()
    assert asked(listening) == 0
