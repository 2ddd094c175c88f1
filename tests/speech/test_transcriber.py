"""The way from samples to interims and finals, with a recogniser that reads from a script."""

import asyncio
import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from server.model.transcript import Word
from server.speech.port import Final, Gap, Interim, OpenUtterance, SpeechEvent, StateChanged, StreamOptions
from server.speech.providers.scripted import LoudnessActivity
from server.speech.recogniser import Hypothesis, Request
from server.speech.scheduler import Scheduler
from server.speech.transcriber import Transcriber
from tests.speech.sound import silence, tone

PORTION = 320


class ScriptedModel:
    """Answers from a function of the request; may be held."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.go = threading.Event()
        self.go.set()
        self.answer = lambda request: Hypothesis(
            "dói aqui", (Word(text="dói", start_s=0.3, end_s=0.6), Word(text="aqui", start_s=0.6, end_s=9.0)), "pt"
        )

    def recognise(self, request: Request) -> Hypothesis:
        self.go.wait(10)
        self.requests.append(request)
        return self.answer(request)


class Listening:
    """A transcriber, its model, and what it said."""

    def __init__(self, model: ScriptedModel, options: StreamOptions) -> None:
        self.model = model
        self.scheduler = Scheduler(model.recognise)
        self.stream = Transcriber(options, self.scheduler, LoudnessActivity())
        self.events: list[SpeechEvent] = []

    def push(self, samples: NDArray[np.float32], start_s: float = 0.0) -> float:
        for first in range(0, len(samples), PORTION):
            self.stream.push_pcm(samples[first : first + PORTION], start_s + first / 16_000)
        return start_s + len(samples) / 16_000

    async def end(self) -> list[SpeechEvent]:
        self.stream.end_input()
        self.events += [event async for event in self.stream]
        await self.close()
        return self.events

    async def close(self) -> None:
        self.model.go.set()
        await self.stream.aclose()
        await asyncio.to_thread(self.scheduler.close)

    def finals(self) -> list[Final]:
        return [event for event in self.events if isinstance(event, Final)]


@pytest.fixture
async def listening() -> Listening:
    return Listening(ScriptedModel(), StreamOptions())


async def test_an_utterance_ends_in_one_final_on_the_room_clock(listening: Listening) -> None:
    at_s = listening.push(silence(1), 40.0)
    at_s = listening.push(tone(1), at_s)
    listening.push(silence(1), at_s)
    await listening.end()
    [final] = listening.finals()
    assert final.text == "dói aqui"
    assert final.start_s == pytest.approx(41.0, abs=0.04)
    assert final.end_s == pytest.approx(42.0, abs=0.04)
    assert [word.text for word in final.words] == ["dói", "aqui"]
    assert all(final.start_s <= word.start_s <= word.end_s <= final.end_s for word in final.words)


async def test_silence_asks_the_model_nothing(listening: Listening) -> None:
    listening.push(silence(30))
    assert await listening.end() == []
    assert listening.model.requests == []


async def test_interims_come_while_one_speaks_and_share_the_finals_identity(listening: Listening) -> None:
    at_s = 0.0
    events: list[SpeechEvent] = []
    for _ in range(3):
        at_s = listening.push(tone(1), at_s)
        events.append(await asyncio.wait_for(anext(listening.stream), 10))
    assert all(isinstance(event, Interim) for event in events)
    await listening.end()
    [final] = listening.finals()
    assert {event.utterance_id for event in events if isinstance(event, Interim)} == {final.utterance_id}


async def test_an_interim_shown_is_withdrawn_by_an_empty_final(listening: Listening) -> None:
    listening.push(tone(1))
    interim = await asyncio.wait_for(anext(listening.stream), 10)
    listening.model.answer = lambda request: Hypothesis("", language="pt")
    await listening.end()
    assert isinstance(interim, Interim)
    assert [(final.utterance_id, final.text) for final in listening.finals()] == [(interim.utterance_id, "")]


async def test_what_is_not_plausible_is_not_said(listening: Listening) -> None:
    listening.model.answer = lambda request: Hypothesis("obrigado por assistir", average_log_probability=-3.0)
    listening.push(np.concatenate([tone(1), silence(1)]))
    assert await listening.end() == []


async def test_finals_come_in_the_order_spoken(listening: Listening) -> None:
    listening.model.go.clear()
    at_s = 0.0
    for _ in range(4):
        at_s = listening.push(np.concatenate([tone(0.5), silence(1)]), at_s)
    listening.model.go.set()
    await listening.end()
    starts = [final.start_s for final in listening.finals()]
    assert starts == sorted(starts)
    assert len(starts) == 4


async def test_a_jump_in_time_is_silence_that_ends_the_utterance(listening: Listening) -> None:
    listening.push(tone(1), 0.0)
    listening.push(np.concatenate([tone(1), silence(1)]), 20.0)
    await listening.end()
    first, second = listening.finals()
    assert first.end_s == pytest.approx(1.0, abs=0.04)
    assert second.start_s == pytest.approx(20.0, abs=0.04)


async def test_a_drifting_clock_is_followed_without_inserting_silence(listening: Listening) -> None:
    samples = np.concatenate([silence(9), tone(1), silence(1)])
    for first in range(0, len(samples), PORTION):
        listening.stream.push_pcm(samples[first : first + PORTION], first / 16_000 * 1.0005)
    await listening.end()
    [final] = listening.finals()
    assert final.start_s == pytest.approx(9.0 * 1.0005, abs=0.036)


async def test_a_model_that_fails_leaves_a_gap_and_the_next_utterance_is_heard(listening: Listening) -> None:
    answer = listening.model.answer

    def fail_once(request: Request) -> Hypothesis:
        if not request.final:
            return Hypothesis("")
        listening.model.answer = answer
        raise RuntimeError("out of memory")

    listening.model.answer = fail_once
    at_s = listening.push(np.concatenate([tone(0.5), silence(1)]))
    listening.push(np.concatenate([tone(0.5), silence(1)]), at_s)
    events = await listening.end()
    assert [type(event) for event in events] == [Gap, Final]


async def test_a_participant_without_a_language_is_heard_in_the_one_detected(listening: Listening) -> None:
    await listening.close()
    model = ScriptedModel()
    model.answer = lambda request: Hypothesis("hello there", language="en", languages=(("en", 0.9), ("pt", 0.05)))
    listening = Listening(model, StreamOptions(language=None))
    at_s = 0.0
    for _ in range(3):
        at_s = listening.push(np.concatenate([tone(2.5), silence(1)]), at_s)
        while not isinstance(await asyncio.wait_for(anext(listening.stream), 10), Final):
            pass
    await listening.end()
    finals = [request for request in model.requests if request.final]
    assert [request.language for request in finals] == [None, "en", "en"]


async def test_the_prompt_is_given_only_when_there_is_a_second_of_voice(listening: Listening) -> None:
    await listening.close()
    listening = Listening(ScriptedModel(), StreamOptions(prompt="losartana"))
    at_s = listening.push(np.concatenate([tone(0.5), silence(1)]))
    listening.push(np.concatenate([tone(1.5), silence(1)]), at_s)
    await listening.end()
    assert [request.prompt for request in listening.model.requests if request.final] == ["", "losartana"]


async def test_a_slow_model_is_said_to_be_delayed_until_it_has_caught_up(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.speech.transcriber._DELAYED_AFTER_S", 0.01)
    listening.model.go.clear()
    listening.push(np.concatenate([tone(0.5), silence(1)]))
    events = [await asyncio.wait_for(anext(listening.stream), 10)]
    listening.model.go.set()
    events += await listening.end()
    states = [event.state for event in events if isinstance(event, StateChanged)]
    assert states == ["delayed", "ok"]


async def test_flush_settles_what_is_being_said(listening: Listening) -> None:
    listening.push(tone(1))
    listening.stream.flush()
    while not isinstance(event := await asyncio.wait_for(anext(listening.stream), 10), Final):
        pass
    assert event.text == "dói aqui"
    await listening.close()


async def test_an_utterance_that_an_earlier_stream_had_begun_is_gone_on_with(listening: Listening) -> None:
    await listening.close()
    opened = (OpenUtterance("u1", 1.0, 1.9, "dói"), OpenUtterance("u2", 9.0, 9.5, "sim"))
    listening = Listening(ScriptedModel(), StreamOptions(resume=opened))
    at_s = listening.push(np.concatenate([silence(1.1), tone(1), silence(1)]))
    listening.push(np.concatenate([tone(0.5), silence(1)]), at_s)
    await listening.end()
    begun, new, missed = listening.finals()
    assert (begun.utterance_id, begun.text) == ("u1", "dói aqui")
    assert new.utterance_id not in ("u1", "u2")
    assert (missed.utterance_id, missed.text) == ("u2", "sim")
    assert {request.settled for request in listening.model.requests if request.final} == {"dói", ""}


async def test_what_an_earlier_stream_had_begun_and_nobody_finds_again_is_closed_in_order(listening: Listening) -> None:
    await listening.close()
    listening = Listening(ScriptedModel(), StreamOptions(resume=(OpenUtterance("u1", 1.0, 1.9, "dói"),)))
    listening.push(np.concatenate([silence(4), tone(1), silence(1)]))
    await listening.end()
    assert [final.utterance_id == "u1" for final in listening.finals()] == [True, False]


async def test_a_long_speech_is_cut_behind_its_last_settled_word(listening: Listening) -> None:
    def read(request: Request) -> Hypothesis:
        """Read a word for each whole 0.9 s."""
        ends_s = [0.9 * (place + 1) for place in range(int(len(request.samples) / 16_000 / 0.9))]
        words = tuple(Word(text="dói", start_s=end_s - 0.9, end_s=end_s, probability=0.9) for end_s in ends_s)
        return Hypothesis(" ".join(word.text for word in words), words, "pt")

    listening.model.answer = read
    at_s = listening.push(silence(1), 0.0)
    while at_s < 18.0:
        at_s = listening.push(tone(0.2), at_s)
        await asyncio.sleep(0.01)
    listening.push(silence(1), at_s)
    await listening.end()
    first, second = listening.finals()
    begins_s = 1.0 - 0.3  # with its pre-roll
    words = (first.end_s - begins_s) / 0.9
    assert words == pytest.approx(round(words), abs=0.1)
    assert 0.0 <= second.start_s - first.end_s <= 0.04
    shown = [
        event for event in listening.events if isinstance(event, Interim) and event.utterance_id == first.utterance_id
    ]
    assert len(shown[-1].text[: shown[-1].settled_chars].split()) == round(words)
    longest = max(len(request.samples) for request in listening.model.requests)
    assert longest < 7 * 16_000, "what has settled is not read again"
