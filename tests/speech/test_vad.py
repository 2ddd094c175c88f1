"""Voices are heard, faint ones too; silence, noise and tones are not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from server.speech.segmenter import Segmenter, SegmenterOptions
from server.speech.vad import SileroVad, VoiceActivity, VoiceGate, load_silero
from tests.speech.sound import clip, melody, noise, silence, tone

SESSION = load_silero()


def utterances(samples: NDArray[np.float32]) -> int:
    segmenter = Segmenter(SegmenterOptions.for_sensitivity(0.5))
    activity = VoiceActivity(SileroVad(SESSION))
    segments = [segmenter.push(probability) for probability in activity.push(samples)]
    return sum(segment is not None for segment in [*segments, segmenter.flush()])


@pytest.mark.parametrize("name", ["coxinha_pt.ogg", "raposa_pt.ogg", "ask_not_en.ogg"])
@pytest.mark.parametrize("level", [1.0, 0.02])
def test_a_voice_is_heard_however_faint(name: str, level: float) -> None:
    assert utterances(np.concatenate([clip(name) * np.float32(level), silence(1)])) >= 1


@pytest.mark.parametrize(
    "sound",
    [silence(20), noise(20, 0.2), noise(20, 0.002), tone(20), melody(20)],
    ids=["silence", "loud noise", "faint noise", "tone", "melody"],
)
def test_what_is_no_voice_is_no_utterance(sound: NDArray[np.float32]) -> None:
    assert utterances(sound) == 0


def test_samples_may_come_in_any_portions() -> None:
    samples = clip("raposa_pt.ogg")
    whole = VoiceActivity(SileroVad(SESSION)).push(samples)
    activity = VoiceActivity(SileroVad(SESSION))
    portions = [probability for part in np.array_split(samples, 97) for probability in activity.push(part)]
    assert portions == pytest.approx(whole)


def test_the_callers_samples_stay_as_they_are() -> None:
    samples = clip("coxinha_pt.ogg")[:16_000]
    before = samples.copy()
    VoiceActivity(SileroVad(SESSION)).push(samples)
    assert np.array_equal(samples, before)


def test_silero_remembers_the_windows_before() -> None:
    window = clip("raposa_pt.ogg")[16_000 : 16_000 + 512]
    vad = SileroVad(SESSION)
    first = vad(window)
    assert vad(window) != first
    vad.reset()
    assert vad(window) == first


def test_the_gate_opens_for_a_voice_before_silero_would_say_so() -> None:
    samples = clip("raposa_pt.ogg")
    silero, gate = SileroVad(SESSION), VoiceGate()
    missed = 0
    for start in range(0, len(samples) - 511, 512):
        window = samples[start : start + 512]
        is_open = gate(window)
        missed += silero(window) > 0.5 and not is_open
    assert missed == 0
