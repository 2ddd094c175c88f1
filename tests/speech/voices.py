"""Two voices of a dialogue, and how they leak into each other's microphone."""

from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from server.speech.decoder import Sound
from server.speech.echo_gate import EchoGate
from server.speech.microphone import Microphone
from server.speech.segmenter import WINDOW_S, Segmenter, SegmenterOptions
from server.speech.vad import load_voice_activity
from tests.speech.sound import RATE_HZ, noise

Pcm = NDArray[np.float32]

PORTION = 320
_DIALOGUE = Path(__file__).parents[1] / "fixtures" / "consultation"


@cache
def dialogue() -> tuple[Pcm, Pcm]:
    """Return the clinician and the patient of tests/fixtures/consultation, each alone on one time line."""
    voices = []
    for name in ("clinician", "patient"):
        with av.open(str(_DIALOGUE / f"{name}.ogg")) as container:
            resampler = av.AudioResampler("flt", "mono", RATE_HZ)
            frames = [part for frame in [*container.decode(audio=0), None] for part in resampler.resample(frame)]
        voices.append(np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32))
    length = min(map(len, voices)) // PORTION * PORTION
    return voices[0][:length], voices[1][:length]


def later(sound: Pcm, delay_s: float) -> Pcm:
    """Return `sound` so much later, of the same length; delays need not be whole samples."""
    padded = np.concatenate([sound, np.zeros(RATE_HZ, np.float32)])
    turned = np.fft.rfft(padded) * np.exp(-2j * np.pi * np.fft.rfftfreq(len(padded)) * delay_s * RATE_HZ)
    moved = np.fft.irfft(turned, len(padded))[: len(sound)].astype(np.float32)
    moved[: int(delay_s * RATE_HZ)] = 0.0
    return moved


def leaking(own: Pcm, other: Pcm, delay_s: float, level_db: float = -12.0) -> Pcm:
    """Return what the microphone of `own` hears: `other` leaks into it, above the faint noise of a room."""
    heard: Pcm = own + later(other, delay_s) * np.float32(10 ** (level_db / 20)) + noise(len(own) / RATE_HZ, 3e-4)
    return heard


class Pair:
    """Two microphones of one room, each behind its gate."""

    def __init__(self) -> None:
        self.microphones = Microphone(), Microphone()
        self.gates = (
            EchoGate(self.microphones[0], lambda: self.microphones[1]),
            EchoGate(self.microphones[1], lambda: self.microphones[0]),
        )
        self.passed: tuple[list[Sound], list[Sound]] = ([], [])
        self.longest_hold_s = 0.0

    def hear(self, first: Pcm, second: Pcm, *, late_s: float = 0.0, start_s: float = 0.0) -> "Pair":
        """Push both in portions of 20 ms; the second arrives `late_s` after the first. Time goes on with the sound."""
        late = round(late_s * RATE_HZ / PORTION)
        count = len(first) // PORTION
        for tick in range(count + late):
            now_s = start_s + (tick + 1) * PORTION / RATE_HZ
            for which, sound, number in ((0, first, tick), (1, second, tick - late)):
                if 0 <= number < count:
                    portion = sound[number * PORTION : (number + 1) * PORTION]
                    self.push(which, portion, start_s + number * PORTION / RATE_HZ, now_s)
        return self

    def push(self, which: int, portion: Pcm, at_s: float, now_s: float) -> None:
        for sound in self.gates[which].push(portion, at_s, now_s):
            self.passed[which].append(sound)
            self.longest_hold_s = max(self.longest_hold_s, now_s - sound.start_s - len(sound.samples) / RATE_HZ)

    def sound(self, which: int) -> Pcm:
        """Return what came through so far, and what is held back."""
        self.passed[which].extend(self.gates[which].release())
        return np.concatenate([sound.samples for sound in self.passed[which]])


def spans(sound: Pcm) -> list[tuple[float, float]]:
    """Return from when to when the utterances last that recognition would be asked to read."""
    activity, segmenter = load_voice_activity()(), Segmenter(SegmenterOptions.for_sensitivity(0.5))
    found = [segmenter.push(probability) for probability in activity(sound)]
    return [
        (segment.speech_start * WINDOW_S, segment.speech_end * WINDOW_S)
        for segment in [*found, segmenter.flush()]
        if segment is not None
    ]


def lasting(found: list[tuple[float, float]]) -> float:
    """Return how long they last together."""
    return sum(end_s - start_s for start_s, end_s in found)


def loudness(sound: Pcm) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.square(sound, dtype=np.float64).mean()))
