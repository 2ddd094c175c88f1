"""One run of every way to make captions over the same pieces, and its figures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...settings import Settings
from ..device import places
from ..options import ProviderOptions
from ..port import StreamOptions
from ..scoring import Heard, Turn
from ..service import SpeechService
from . import offline, sound
from .figures import Samples, TrueWord, final_text, measure_channel, measure_offline, word_errors
from .live import play, process_cpu_s, process_memory_mb, until_ready
from .pieces import Piece

TAIL_S = 2.0
_STAGGER_S = 3.7
_NOISE_SPEED = 6.0


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of one piece: by speaker, when each word ends and what the model reads offline."""

    words: dict[str, list[TrueWord]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


class Offline:
    """The whole model in this process: the yardstick of the others, and a baseline itself."""

    def __init__(self, settings: Settings) -> None:
        self._model = offline.load_whole(ProviderOptions.from_settings(settings))

    def learn(self, pieces: Sequence[Piece]) -> tuple[list[Truth], dict[str, Any]]:
        """Read and align `pieces`; return what is known of each, and the figures of reading whole files. Blocks."""
        truths, cpu_s, spoken_s, errors, words = [], 0.0, 0.0, 0, 0
        for piece in pieces:
            truth = Truth()
            for speaker, channel in piece.sounds.items():
                samples, turns = sound.for_model(channel), turns_of(piece, speaker)
                before_s = time.process_time()
                truth.texts[speaker] = offline.read_whole(self._model, samples, piece.language)
                cpu_s += time.process_time() - before_s
                truth.words[speaker] = offline.align_turns(self._model, samples, turns, piece.language)
                wrong, count = word_errors(" ".join(turn.text for turn in turns), truth.texts[speaker])
                errors, words = errors + wrong, words + count
            spoken_s += piece.spoken_s
            truths.append(truth)
        rate = round(errors / words, 4) if words else None
        return truths, {
            "system": "whole file, beam 5",
            "word_error_rate": rate,
            "cpu_s_per_speech_s": _per(cpu_s, spoken_s),
        }

    async def play_padded(self, pieces: Sequence[Piece], truths: Sequence[Truth]) -> dict[str, Any]:
        """Play `pieces` through LocalAgreement-2 over 30 s of input; return its figures."""
        samples, cpu_s = Samples(), time.process_time()
        for piece, truth in zip(pieces, truths, strict=True):
            sounds = [sound.for_model(channel) for channel in piece.sounds.values()]
            heard = await offline.play_padded(self._model, sounds, piece.language, TAIL_S)
            add(samples, piece, dict(zip(piece.sounds, heard, strict=True)), truth)
        cpu_s = time.process_time() - cpu_s
        # Its one running text has no interims and finals of its own turns: their first and last words stand for them.
        samples.first_interim, samples.final = samples.first_word, samples.last_word
        figures = samples.summary()
        del figures["words_outside_turns"]
        return {
            "system": "LocalAgreement-2, 30 s",
            **figures,
            "cpu_s_per_speech_s": _per(cpu_s, sum(piece.spoken_s for piece in pieces)),
        }


async def play_live(
    service: SpeechService,
    pieces: Sequence[Piece],
    truths: Sequence[Truth],
    *,
    copies: int = 1,
    language: str | None = None,
    show: Callable[[Piece, dict[str, Heard]], None] | None = None,
) -> dict[str, Any]:
    """Play `pieces` one after the other, `copies` of each at once; return the figures of our own captions."""
    samples, cpu_s, by_piece = Samples(), process_cpu_s(service.process_id), {}
    for piece, truth in zip(pieces, truths, strict=True):
        chosen = None if language == "auto" else piece.language
        calls = [piece.later(_STAGGER_S * number) for number in range(copies)]
        tracks = [sound.opus_packets(channel) for call in calls for channel in call.sounds.values()]
        options = [
            StreamOptions(language=chosen, room=f"{piece.name} {n}") for n in range(copies) for _ in piece.sounds
        ]
        heard = await play(service, tracks, options, tail_s=TAIL_S)
        own = Samples()
        for number, call in enumerate(calls):
            count = len(call.sounds)
            told = dict(zip(call.sounds, heard[number * count : (number + 1) * count], strict=True))
            for into in (samples, own):
                add(into, call, told, truth, later_s=_STAGGER_S * number)
            if show is not None:
                show(call, told)
        by_piece[piece.name] = {
            "word_error_rate": own.summary()["word_error_rate"],
            "final_s": own.summary()["final_s"],
        }
    cpu_s = process_cpu_s(service.process_id) - cpu_s
    return {
        "system": "escuta",
        **samples.summary(),
        "cpu_s_per_speech_s": _per(cpu_s, copies * sum(piece.spoken_s for piece in pieces)),
        "channels": copies * max(len(piece.sounds) for piece in pieces),
        "memory_mb": round(process_memory_mb(service.process_id)),
        "by_piece": by_piece,
    }


async def invent(service: SpeechService, seconds: float, language: str) -> dict[str, Any]:
    """Play silence, noise and music, a third of `seconds` each, six times as fast as they sound; count words."""
    words = {}
    for name, make in (("silence", sound.silence), ("noise", sound.noise), ("music", sound.music)):
        track = sound.opus_packets(make(seconds / 3))
        [heard] = await play(service, [track], [StreamOptions(language=language)], tail_s=TAIL_S, speed=_NOISE_SPEED)
        shown = {one.utterance_id: len(one.text.split()) for _, one in heard.interims}
        words[name] = {"final": len(final_text(heard).split()), "interim": sum(shown.values())}
    return {"seconds": seconds, **words}


def add(samples: Samples, piece: Piece, heard: dict[str, Heard], truth: Truth, later_s: float = 0.0) -> None:
    """Add what was heard of a piece, played `later_s` after its truth's zero, to `samples`."""
    for speaker, what in heard.items():
        words = [TrueWord(word.text, word.end_s + later_s, word.turn) for word in truth.words.get(speaker, ())]
        measure_channel(samples, what, turns_of(piece, speaker), words)
    if truth.texts:
        measure_offline(samples, heard, truth.texts)


def turns_of(piece: Piece, speaker: str) -> list[Turn]:
    """Return the turns of one channel; those of a piece with one channel are all its."""
    return [turn for turn in piece.turns if len(piece.sounds) == 1 or turn.speaker == speaker]


def _per(cpu_s: float, spoken_s: float) -> float | None:
    return round(cpu_s / spoken_s, 3) if spoken_s else None


async def run_all(
    settings: Settings,
    pieces: Sequence[Piece],
    *,
    baselines: bool,
    copies: int,
    noise_s: float,
    language: str,
    show: Callable[[Piece, dict[str, Heard]], None] | None = None,
) -> dict[str, Any]:
    """Run everything asked for, one after the other; return one JSON object.

    Raises:
        SpeechUnavailable: If the model cannot be loaded.
    """
    truths, systems = [Truth() for _ in pieces], []
    whole = await asyncio.to_thread(Offline, settings) if baselines else None
    if whole is not None:
        truths, figures = await asyncio.to_thread(whole.learn, pieces)
        systems.append(figures)
    service = SpeechService(settings)
    await service.start()
    try:
        await until_ready(service)
        live = await play_live(service, pieces, truths, copies=copies, language=language, show=show)
        systems.insert(0, live)
        invented = await invent(service, noise_s, pieces[0].language) if noise_s else None
    finally:
        await service.aclose()
    if whole is not None:
        systems.insert(1, await whole.play_padded(pieces, truths))
    spoken_s = round(sum(piece.spoken_s for piece in pieces), 1)
    place = places(ProviderOptions.from_settings(settings))[0]
    names = [piece.name for piece in pieces]
    return {
        "provider": settings.speech_provider,
        "model": place.model,
        "device": place.device,
        "pieces": names,
        "spoken_s": spoken_s,
        "systems": systems,
        "invented_words": invented,
    }
