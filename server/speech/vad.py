"""Voice activity: a cheap gate, then Silero with its state kept from window to window."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
import onnxruntime
import webrtcvad

from .port import Pcm
from .segmenter import WINDOW_SAMPLES

_TAIL = 64
_STATE = 128
_GATE_SAMPLES = 480
_GATE_HOLD = 12
_WARM_UP = 6
_AUDIBLE = 3e-5
_LEVEL = 0.3
_MOST_GAIN = 8.0
_PEAK_DECAY = 0.998


def load_silero() -> Any:
    """Return an onnxruntime session over the Silero network that faster-whisper brings along.

    Source: Silero VAD v6 (MIT), as packaged in faster_whisper/assets.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    model = files("faster_whisper").joinpath("assets", "silero_vad_v6.onnx").read_bytes()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class SileroVad:
    """Speech probability of one stream's successive windows of 512 samples."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._h = np.zeros((1, 1, _STATE), np.float32)
        self._c = np.zeros((1, 1, _STATE), np.float32)
        self._tail = np.zeros(_TAIL, np.float32)

    def __call__(self, window: Pcm) -> float:
        """Return the probability that `window`, shape (512,), holds speech."""
        samples = np.concatenate([self._tail, window])[None]
        probability, self._h, self._c = self._session.run(None, {"input": samples, "h": self._h, "c": self._c})
        self._tail = window[-_TAIL:].copy()
        return float(probability.ravel()[0])


class VoiceGate:
    """WebRTC's detector as a gate: closed, it says that Silero need not look. Holds open for 0.4 s."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(1)
        self._hold = 0

    def __call__(self, window: Pcm) -> bool:
        """Return whether `window`, shape (512,), may hold speech."""
        if float(np.abs(window).max()) > _AUDIBLE and self._voiced(window):
            self._hold = _GATE_HOLD
            return True
        self._hold = max(0, self._hold - 1)
        return self._hold > 0

    def _voiced(self, window: Pcm) -> bool:
        peak = float(np.abs(window).max())
        scale = 32_767 / max(peak, 1.0)
        pcm16 = (window[:_GATE_SAMPLES] * scale).astype(np.int16)
        return bool(self._vad.is_speech(pcm16.tobytes(), 16_000))


class Leveller:
    """Amplifies a faint voice for the detectors, at most 18 dB, by the loudest moment of the last minute or so.

    WebRTC's detector and Silero both miss voices that peak below 1 %; white noise stays noise at any level.
    """

    def __init__(self) -> None:
        self._peak = 0.0

    def __call__(self, window: Pcm) -> Pcm:
        """Return `window` amplified."""
        self._peak = max(float(np.abs(window).max()), self._peak * _PEAK_DECAY, _AUDIBLE)
        return window * np.float32(min(_MOST_GAIN, max(1.0, _LEVEL / self._peak)))


class VoiceActivity:
    """Cuts one stream's samples into windows and says how likely each is speech.

    While the gate is closed a window costs 7 µs instead of 100; when it opens, Silero first hears the
    windows before it, so that its state fits.
    """

    def __init__(self, silero: SileroVad, gate: Callable[[Pcm], bool] | None = None) -> None:
        self._silero = silero
        self._gate = gate or VoiceGate()
        self._level = Leveller()
        self._skipped: deque[Pcm] = deque(maxlen=_WARM_UP)
        self._rest: Pcm = np.zeros(0, np.float32)

    def push(self, samples: Pcm) -> list[float]:
        """Take samples; return one probability for each window they completed."""
        pending = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        whole = len(pending) // WINDOW_SAMPLES
        self._rest = pending[whole * WINDOW_SAMPLES :].copy()
        return [self._probability(pending[i * WINDOW_SAMPLES : (i + 1) * WINDOW_SAMPLES]) for i in range(whole)]

    def _probability(self, window: Pcm) -> float:
        window = self._level(window)
        if not self._gate(window):
            self._skipped.append(window)
            return 0.0
        if self._skipped:
            self._silero.reset()
            for earlier in self._skipped:
                self._silero(earlier)
            self._skipped.clear()
        return self._silero(window)


def load_voice_activity() -> Callable[[], Callable[[Pcm], list[float]]]:
    """Load Silero; return what makes one stream's voice activity."""
    session = load_silero()
    return lambda: VoiceActivity(SileroVad(session)).push
