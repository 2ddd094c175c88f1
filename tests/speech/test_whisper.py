"""How the Whisper provider asks its model, seen at a model that only notes what it is asked."""

from collections.abc import Sequence

import numpy as np
import pytest

from server.speech.options import ProviderOptions
from server.speech.providers.faster_whisper import WhisperRecogniser, encoder_frames, level
from server.speech.recogniser import Hypothesis, Request

SECOND = 16_000


def test_the_encoder_always_gets_silence_behind_the_speech_or_the_whole() -> None:
    for tenths in range(300):
        frames = encoder_frames(tenths * SECOND // 10)
        assert frames == 3000 or frames >= tenths * 10 + 128
        assert frames in (1000, 1500, 3000)


def test_a_faint_voice_is_amplified_and_silence_is_not_made_loud() -> None:
    faint = (0.01 * np.sin(np.arange(SECOND) / 10)).astype(np.float32)
    assert np.abs(level(faint)).max() == pytest.approx(0.3, abs=0.02)
    assert np.abs(level(np.zeros(SECOND, np.float32))).max() == 0.0
    assert len(level(np.zeros(0, np.float32))) == 0


class Rereading(WhisperRecogniser):
    """Answers by the number of frames; notes them."""

    def __init__(self, answers: dict[int, Hypothesis]) -> None:
        super().__init__(ProviderOptions())
        self.answers = answers
        self.asked: list[int] = []

    def _read_together(self, sounds: object, frames: int, requests: Sequence[Request]) -> list[Hypothesis]:
        self.asked.append(frames)
        return [self.answers[frames] for _ in requests]


def request(*, final: bool = True) -> Request:
    return Request(np.zeros(SECOND, np.float32), "pt", final)


def test_a_loop_is_read_once_more_with_the_full_input() -> None:
    recogniser = Rereading({1000: Hypothesis("dor dor dor", looped=True), 3000: Hypothesis("dor")})
    assert recogniser.recognise(request()).text == "dor"
    assert recogniser.asked == [1000, 3000]


def test_of_two_unsure_readings_the_surer_counts() -> None:
    unsure = Hypothesis("globo", average_log_probability=-0.9)
    sure = Hypothesis("hemoglobina", average_log_probability=-0.4)
    assert Rereading({1000: unsure, 3000: sure}).recognise(request()).text == "hemoglobina"
    worse = Hypothesis("lobo", average_log_probability=-1.1)
    assert Rereading({1000: unsure, 3000: worse}).recognise(request()).text == "globo"


def test_a_sure_reading_is_read_once() -> None:
    recogniser = Rereading({1000: Hypothesis("Sim.", average_log_probability=-0.2)})
    recogniser.recognise(request())
    assert recogniser.asked == [1000]


def test_interims_are_never_read_twice() -> None:
    recogniser = Rereading({1000: Hypothesis("dor", average_log_probability=-2.0, looped=True)})
    recogniser.recognise(request(final=False))
    assert recogniser.asked == [1000]
