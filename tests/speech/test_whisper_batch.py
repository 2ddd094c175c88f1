"""Whisper reads a batch as it reads each request alone: the packaged model itself, on the CPU."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from server.speech.options import ProviderOptions
from server.speech.port import Final, StreamOptions
from server.speech.providers import create_provider
from server.speech.providers.faster_whisper import WhisperRecogniser
from server.speech.recogniser import Hypothesis, Request
from server.speech.shared import SharedRecogniser
from tests.speech.sound import clip, noise, silence

SECOND = 16_000
FOX = "Uma raposa velha"
PROMPT = "losartana, metformina"


class Counting(WhisperRecogniser):
    """Notes how often it was asked for one request alone."""

    alone = 0

    def _read_alone(self, samples: NDArray[np.float32], frames: int, request: Request) -> Hypothesis:
        self.alone += 1
        return super()._read_alone(samples, frames, request)


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counting]:
    recogniser = Counting(ProviderOptions(models_dir=tmp_path_factory.mktemp("models")))
    recogniser.load()
    yield recogniser
    recogniser.unload()


@pytest.fixture(scope="module")
def sounds() -> dict[str, NDArray[np.float32]]:
    fox, wish, asked = clip("raposa_pt.ogg"), clip("coxinha_pt.ogg"), clip("ask_not_en.ogg")
    return {"fox": fox, "wish": wish, "asked": asked[: 4 * SECOND], "noise": noise(1.0), "bit": fox[: SECOND // 2]}


BATCHES = {
    "interims": [("fox", "pt", False, "", ""), ("wish", "pt", False, "", ""), ("asked", "en", False, "", "")],
    "settled words": [("fox", "pt", True, "", FOX), ("wish", "pt", True, "", ""), ("asked", "en", True, "", "And so")],
    "a prompt": [("fox", "pt", True, PROMPT, ""), ("wish", "pt", True, PROMPT, "eu quero")],
    "languages to detect": [("fox", None, True, "", ""), ("asked", None, True, "", ""), ("wish", "pt", True, "", "")],
    "something doubtful": [("noise", "pt", True, "", ""), ("fox", "pt", True, "", "")],
    "one cut off alone": [("bit", "pt", True, "", " ".join([FOX] * 5)), ("fox", "pt", True, "", "")],
}


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_is_read_as_its_requests_are_alone(
    whisper: Counting, sounds: dict[str, NDArray[np.float32]], name: str
) -> None:
    requests = [Request(sounds[sound], *rest) for sound, *rest in BATCHES[name]]
    assert len({whisper.kind(request) for request in requests}) == 1
    alone = [whisper.recognise(request) for request in requests]
    whisper.alone = 0
    together = whisper.recognise_batch(requests)
    assert (whisper.alone > 0) == (name == "one cut off alone")
    for one, other in zip(alone, together, strict=True):
        assert (other.text, other.language, other.looped) == (one.text, one.language, one.looped)
        assert other.average_log_probability == pytest.approx(one.average_log_probability, abs=1e-3)
        assert other.no_speech_probability == pytest.approx(one.no_speech_probability, abs=1e-3)
        assert [word.text for word in other.words] == [word.text for word in one.words]
        for word, known in zip(other.words, one.words, strict=True):
            assert (word.start_s, word.end_s) == pytest.approx((known.start_s, known.end_s), abs=0.021)
            assert word.probability == pytest.approx(known.probability, abs=5e-3)
        assert [code for code, _ in other.languages] == [code for code, _ in one.languages]
    assert any(hypothesis.text for hypothesis in together)


def test_requests_differ_in_kind_by_beam_input_and_prompt(
    whisper: Counting, sounds: dict[str, NDArray[np.float32]]
) -> None:
    fox = sounds["fox"]
    kinds = [
        whisper.kind(Request(fox, "pt", final=True)),
        whisper.kind(Request(fox, "pt", final=False)),
        whisper.kind(Request(fox, "pt", final=True, prompt=PROMPT)),
        whisper.kind(Request(np.tile(fox, 8), "pt", final=True)),
    ]
    assert len(set(kinds)) == len(kinds)
    before = [whisper.kind(Request(fox, "pt", final=True, before=FOX[:length])) for length in range(20, 44)]
    assert len(set(before)) <= 3, "what was said before differs in length all the time, and is seldom alike"


def test_on_the_cpu_one_request_is_read_at_a_time(whisper: Counting) -> None:
    assert whisper.most == 1


async def test_calls_that_are_heard_at_once_share_one_model_and_its_batches(
    tmp_path_factory: pytest.TempPathFactory, sounds: dict[str, NDArray[np.float32]]
) -> None:
    provider = create_provider("faster_whisper", ProviderOptions(models_dir=tmp_path_factory.mktemp("models"), batch=4))
    assert isinstance(provider, SharedRecogniser)
    await provider.start()
    streams = [await provider.open(StreamOptions(language="pt")) for _ in range(5)]
    for stream in streams:
        stream.push_pcm(np.concatenate([sounds["wish"], silence(1)]), 0.0)
        stream.end_input()
    said = [[event.text async for event in stream if isinstance(event, Final)] for stream in streams]
    figures = provider.figures()
    await provider.aclose()
    assert [" ".join(texts).lower() for texts in said] == ["eu quero uma coxinha de frango."] * 5
    assert sum(figures.batches) < figures.requests, "what waited for the first was not read together"


class Rereading(WhisperRecogniser):
    """Answers by the number of frames and the request's number of samples; notes what it is asked."""

    def __init__(self, answers: dict[tuple[int, int], Hypothesis]) -> None:
        super().__init__(ProviderOptions())
        self.answers = answers
        self.asked: list[tuple[int, list[int]]] = []

    def _read_together(self, sounds: object, frames: int, requests: Sequence[Request]) -> list[Hypothesis]:
        lengths = [len(request.samples) for request in requests]
        self.asked.append((frames, lengths))
        return [self.answers[frames, length] for length in lengths]


def of_length(count: int, *, final: bool = True) -> Request:
    return Request(np.zeros(count, np.float32), "pt", final)


def test_what_is_doubtful_in_a_batch_is_read_again_together_and_the_surer_reading_counts() -> None:
    answers = {
        (1000, 1): Hypothesis("Sim.", average_log_probability=-0.2),
        (1000, 2): Hypothesis("globo", average_log_probability=-0.9),
        (1000, 3): Hypothesis("dor dor dor", looped=True),
        (3000, 2): Hypothesis("lobo", average_log_probability=-1.1),
        (3000, 3): Hypothesis("dor"),
    }
    recogniser = Rereading(answers)
    read = recogniser.recognise_batch([of_length(count) for count in (1, 2, 3)])
    assert [hypothesis.text for hypothesis in read] == ["Sim.", "globo", "dor"]
    assert recogniser.asked == [(1000, [1, 2, 3]), (3000, [2, 3])]


def test_a_batch_of_interims_is_never_read_twice() -> None:
    recogniser = Rereading({(1000, 1): Hypothesis("dor", average_log_probability=-2.0, looped=True)})
    recogniser.recognise_batch([of_length(1, final=False)] * 2)
    assert recogniser.asked == [(1000, [1, 1])]
