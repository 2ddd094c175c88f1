"""The same model without us: whole files by beam, true ends of words, and LocalAgreement-2 over 30 s of input."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...model.audio import SPEECH_RATE_HZ
from ..agreement import comparable
from ..device import fit, places
from ..model_files import model_folder, model_mb
from ..options import ProviderOptions
from ..port import Final, Interim, Pcm
from ..scoring import Heard, Turn, normalized
from .figures import TrueWord

_CHUNK_S = 1.0
_LONGEST_BUFFER_S = 15.0
_LONGEST_UNSURE_S = 30.0
_PROMPT_CHARS = 200
_EDGE_S = 0.2

TimedWord = tuple[float, float, str]


def load_whole(options: ProviderOptions) -> Any:
    """Return faster-whisper's own model over the files that the live captions use. Blocks.

    Raises:
        SpeechUnavailable: If the files cannot be had.
    """
    from faster_whisper import WhisperModel

    place = places(options)[0]
    folder = model_folder(place.model, options.models_dir)
    compute_type, _ = fit(place, model_mb(folder), options.compute_type, options.batch)
    threads = options.threads or min(4, os.cpu_count() or 1)
    return WhisperModel(str(folder), device=place.device, compute_type=compute_type, cpu_threads=threads)


def read_whole(model: Any, samples: Pcm, language: str) -> str:
    """Return what `model` reads of a whole file with five beams. Blocks."""
    segments, _ = model.transcribe(samples, language=language, beam_size=5)
    return " ".join(segment.text.strip() for segment in segments)


def align_turns(model: Any, samples: Pcm, turns: Sequence[Turn], language: str) -> list[TrueWord]:
    """Return the words of `turns` with the ends that a forced alignment gives them. Blocks."""
    words: list[TrueWord] = []
    for number, turn in enumerate(turns):
        begins_s = max(0.0, turn.start_s - _EDGE_S)
        heard = samples[round(begins_s * SPEECH_RATE_HZ) : round((turn.end_s + _EDGE_S) * SPEECH_RATE_HZ)]
        for end_s, text in _aligned(model, heard, turn.text, language):
            end_s = min(begins_s + end_s, turn.end_s)
            words += [TrueWord(piece, end_s, number) for piece in normalized(text).split()]
    return words


def _aligned(model: Any, samples: Pcm, text: str, language: str) -> list[tuple[float, str]]:
    from faster_whisper.audio import pad_or_trim
    from faster_whisper.tokenizer import Tokenizer

    tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language)
    features = model.feature_extractor(samples)
    encoded = model.encode(pad_or_trim(features))
    [words] = model.find_alignment(tokenizer, [tokenizer.encode(" " + text)], encoded, features.shape[-1])
    return [(float(word["end"]), str(word["word"])) for word in words]


class PaddedAgreement:
    """Captions by plain LocalAgreement-2: everything not yet committed is read again each second, padded to 30 s.

    Silent stretches are left out by faster-whisper's own voice filter, which is to its advantage.

    Source: Macháček et al. 2023 (arXiv 2307.14743); written anew from the paper.
    """

    def __init__(self, model: Any, language: str) -> None:
        self._model = model
        self._language = language
        self._buffer: Pcm = np.zeros(0, np.float32)
        self._buffer_s = 0.0
        self._previous: list[TimedWord] = []
        self._in_buffer: list[TimedWord] = []
        self.committed: list[TimedWord] = []

    def push(self, samples: Pcm) -> None:
        """Take what sounded since the last reading."""
        self._buffer = np.concatenate([self._buffer, samples])

    def read(self) -> tuple[list[str], int]:
        """Read the buffer; return the words to show, and how many of them are committed. Blocks."""
        current = [word for word in self._read() if not self.committed or word[0] >= self.committed[-1][1] - 0.1]
        agreed = 0
        for before, now in zip(self._previous, current, strict=False):
            if comparable(before[2]) != comparable(now[2]):
                break
            agreed += 1
        self.committed += current[:agreed]
        self._in_buffer += current[:agreed]
        self._previous = current[agreed:]
        self._trim()
        return [text for _, _, text in [*self.committed, *self._previous]], len(self.committed)

    def finish(self) -> list[str]:
        """Return all words; what was not committed counts as said."""
        return [text for _, _, text in [*self.committed, *self._previous]]

    def _read(self) -> list[TimedWord]:
        before = [word for word in self.committed if word[1] <= self._buffer_s]
        segments, _ = self._model.transcribe(
            self._buffer,
            language=self._language,
            beam_size=5,
            word_timestamps=True,
            condition_on_previous_text=True,
            vad_filter=True,
            initial_prompt=" ".join(text for _, _, text in before)[-_PROMPT_CHARS:],
        )
        return [
            (self._buffer_s + word.start, self._buffer_s + word.end, word.word.strip())
            for segment in segments
            for word in segment.words or ()
        ]

    def _trim(self) -> None:
        """Let go of what is committed, or silent; what is neither stays, up to 30 s, however slow the readings are."""
        if len(self._buffer) < _LONGEST_BUFFER_S * SPEECH_RATE_HZ:
            return
        newest_s = self._buffer_s + len(self._buffer) / SPEECH_RATE_HZ
        if self._in_buffer:
            cut_s = min(self._in_buffer[-1][1], newest_s)
        elif self._previous:
            cut_s = max(self._buffer_s, newest_s - _LONGEST_UNSURE_S)
        else:
            cut_s = newest_s - _CHUNK_S
        self._buffer = self._buffer[round((cut_s - self._buffer_s) * SPEECH_RATE_HZ) :]
        self._buffer_s, self._in_buffer = cut_s, []


async def play_padded(model: Any, sounds: Sequence[Pcm], language: str, tail_s: float) -> list[Heard]:
    """Play `sounds` in real time, a channel each, through `PaddedAgreement`; the channels take turns at the model."""
    loop = asyncio.get_running_loop()
    turn = asyncio.Lock()
    zero_s = loop.time()

    async def hear(samples: Pcm) -> Heard:
        heard, captions, taken = Heard(), PaddedAgreement(model, language), 0
        samples = np.concatenate([samples, np.zeros(round(tail_s * SPEECH_RATE_HZ), np.float32)])
        while taken < len(samples):
            due_s = taken / SPEECH_RATE_HZ + _CHUNK_S
            await asyncio.sleep(max(0.0, zero_s + due_s - loop.time()))
            async with turn:
                end = min(len(samples), int((loop.time() - zero_s) * SPEECH_RATE_HZ))
                captions.push(samples[taken:end])
                taken = end
                words, settled = await asyncio.to_thread(captions.read)
            text = " ".join(words)
            spoken_s = captions.committed[-1][1] if captions.committed else taken / SPEECH_RATE_HZ
            first_s = captions.committed[-1][0] if captions.committed else max(0.0, taken / SPEECH_RATE_HZ - _CHUNK_S)
            if words:
                heard.take(
                    Interim("all", first_s, spoken_s, text, len(" ".join(words[:settled])), language),
                    loop.time() - zero_s,
                )
        text = " ".join(captions.finish())
        heard.take(Final("all", 0.0, len(samples) / SPEECH_RATE_HZ, text, (), language), loop.time() - zero_s)
        return heard

    return list(await asyncio.gather(*(hear(samples) for samples in sounds)))
