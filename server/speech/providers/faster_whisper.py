"""Whisper on CTranslate2: packaged `base` by default, any converted model by path or name.

The encoder gets little more than the utterance instead of 30 s, which makes a turn of a dialogue five times cheaper.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import structlog

from ...model.errors import SpeechUnavailable
from ..device import Place, fit, places
from ..model_files import model_folder, model_mb
from ..options import ProviderOptions
from ..port import Pcm, SpeechToText
from ..recogniser import Hypothesis, Request
from ..shared import Activity, SharedRecogniser
from ..vad import SileroVad, VoiceActivity, load_silero
from ..whisper_batch import FALLBACK_LANGUAGE, WhisperBatch
from ..whisper_text import WhisperText

log = structlog.get_logger()

_HOP = 160
_FRAMES = (1000, 1500, 3000)
_PADDING = 128
_WHOLE = 3000
_DOUBTFUL = -0.6
_THREADS_A_READER = 1


def encoder_frames(samples: int) -> int:
    """Return how many mel frames (10 ms) the encoder gets for so many samples at 16 kHz.

    Without at least 128 frames of silence behind the speech the decoder loops. With `base` in Portuguese, 750
    frames cost 1 to 3 points of word error rate; 1000 cost less than the measurement's noise.
    """
    needed = -(-samples // _HOP) + _PADDING
    return next((frames for frames in _FRAMES if frames >= needed), _WHOLE)


def level(samples: Pcm) -> Pcm:
    """Return `samples` with their loud parts brought to 0.8, amplified at most 30 dB."""
    if not len(samples):
        return samples
    loud = float(np.quantile(np.abs(samples), 0.999))
    gain = min(30.0, 0.8 / max(loud, 1e-5))
    leveled: Pcm = np.clip(samples * np.float32(gain), -1.0, 1.0)
    return leveled


def _is_doubtful(hypothesis: Hypothesis) -> bool:
    return hypothesis.looped or (bool(hypothesis.text) and hypothesis.average_log_probability < _DOUBTFUL)


def _sureness(hypothesis: Hypothesis) -> tuple[bool, float]:
    return not hypothesis.looped, hypothesis.average_log_probability


class WhisperRecogniser:
    """Reads utterances with one CTranslate2 Whisper model: greedily while one speaks, by beam for finals."""

    name = "faster_whisper"

    def __init__(self, options: ProviderOptions) -> None:
        self._options = options
        self.most = 1
        self.readers = 1
        self.model, self.device = options.model, ""
        self._model: Any = None
        self._features: Any = None
        self._text: WhisperText | None = None

    def load(self) -> None:
        """Prepare the files, load the model and read a second of silence once, so that the first words do not wait.

        Raises:
            SpeechUnavailable: If the files or the device cannot be used.
        """
        *better, last = places(self._options)
        for place in better:
            try:
                self._load_at(place)
            except SpeechUnavailable as error:
                log.warning("speech.gpu_unusable", reason=str(error))
            else:
                return
        self._load_at(last)

    def recognise(self, request: Request) -> Hypothesis:
        """Read one utterance.

        A final that loops or is unsure is read once more with the full 30 s of encoder input, and the surer one
        counts: that is one final in ten, and half a point of word error rate.
        """
        return self.recognise_batch([request])[0]

    def kind(self, request: Request) -> Hashable:
        """Return what the model needs to be the same in a batch: beam, frames, tokens before the start."""
        assert self._text is not None  # noqa: S101 - load() comes first
        prompt = self._text.prompt(FALLBACK_LANGUAGE, request.prompt, before=request.before)
        return request.final, encoder_frames(len(request.samples)), len(prompt.tokens)

    def recognise_batch(self, requests: Sequence[Request]) -> list[Hypothesis]:
        """Read requests of one kind as `recognise` reads each."""
        final = requests[0].final
        sounds = [level(request.samples) for request in requests]
        frames = encoder_frames(len(sounds[0]))
        found = self._read_together(sounds, frames, requests)
        doubtful = [place for place, one in enumerate(found) if final and frames < _WHOLE and _is_doubtful(one)]
        if doubtful:
            again = self._read_together(
                [sounds[place] for place in doubtful], _WHOLE, [requests[place] for place in doubtful]
            )
            for place, one in zip(doubtful, again, strict=True):
                found[place] = max(found[place], one, key=_sureness)
        return found

    def unload(self) -> None:
        """Free the model."""
        self._model = None

    def _load_at(self, place: Place) -> None:
        """Load the model on one device and read a second of silence with it.

        Raises:
            SpeechUnavailable: If the files or the device cannot be used.
        """
        import ctranslate2
        from faster_whisper.feature_extractor import FeatureExtractor

        options = self._options
        folder = model_folder(place.model, options.models_dir)
        compute_type, self.most = fit(place, model_mb(folder), options.compute_type, options.batch)
        threads = options.threads or min(4, os.cpu_count() or 1)
        self.readers = threads if place.gpu is None else 1
        try:
            self._model = ctranslate2.models.Whisper(
                str(folder),
                device=place.device,
                compute_type=compute_type,
                intra_threads=_THREADS_A_READER,
                inter_threads=self.readers,
            )
            self._features = FeatureExtractor(feature_size=self._model.n_mels)
            self._text = WhisperText(folder / "tokenizer.json", self._model.is_multilingual)
            self.recognise(Request(np.zeros(16_000, np.float32), FALLBACK_LANGUAGE, final=True))
        except (RuntimeError, ValueError) as error:
            raise SpeechUnavailable(f"The model {place.model!r} does not load on {place.device}: {error}") from error
        self.model, self.device = place.model, place.device
        if place.gpu is not None:
            known = {"gpu": place.gpu.name, "free_mb": place.gpu.free_mb}
            log.info("speech.on_gpu", model=place.model, compute_type=compute_type, batch=self.most, **known)

    def _encode_all(self, sounds: Sequence[Pcm], frames: int) -> Any:
        import ctranslate2

        padded = np.zeros((len(sounds), frames * _HOP), np.float32)
        for row, samples in zip(padded, sounds, strict=True):
            row[: min(len(samples), len(row))] = samples[: len(row)]
        mels = np.stack([self._features(row)[:, :frames] for row in padded])
        return self._model.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(mels, dtype=np.float32)))

    def _read_alone(self, samples: Pcm, frames: int, request: Request) -> Hypothesis:
        return self._read_together([samples], frames, [request])[0]

    def _read_together(self, sounds: Sequence[Pcm], frames: int, requests: Sequence[Request]) -> list[Hypothesis]:
        """Read sounds of one kind in one pass; whatever that cannot tell as a reading alone would is read alone."""
        assert self._text is not None  # noqa: S101 - load() comes first
        encoded = self._encode_all(sounds, frames)
        beam = self._options.final_beam if requests[0].final else self._options.interim_beam
        found = WhisperBatch(self._model, self._text, beam).read(encoded, sounds, requests, frames)
        return [
            self._read_alone(samples, frames, request) if hypothesis is None else hypothesis
            for hypothesis, samples, request in zip(found, sounds, requests, strict=True)
        ]


def create(options: ProviderOptions) -> SpeechToText:
    """Return the provider."""

    def load_activity() -> Callable[[], Activity]:
        session = load_silero()
        return lambda: VoiceActivity(SileroVad(session)).push

    return SharedRecogniser(WhisperRecogniser(options), load_activity)
