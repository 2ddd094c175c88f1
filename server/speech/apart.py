"""Two recordings of one consultation: one voice without what its microphone heard of the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..model.audio import SPEECH_RATE_HZ
from .decoder import Sound
from .echo_gate import EchoGate
from .microphone import Microphone
from .port import Pcm

_STEP = SPEECH_RATE_HZ // 10
_AHEAD = SPEECH_RATE_HZ // 2


@dataclass(frozen=True, slots=True)
class Recording:
    """Blocks of one voice's sound; the first sample sounded at room time `start_s`."""

    blocks: Iterable[Pcm]
    start_s: float = 0.0


class _Reader:
    """Takes a recording in steps of 0.1 s."""

    def __init__(self, recording: Recording) -> None:
        self.at = round(recording.start_s * SPEECH_RATE_HZ)
        self._blocks = iter(recording.blocks)

    def __iter__(self) -> Iterator[Sound]:
        for block in self._blocks:
            for first in range(0, len(block), _STEP):
                samples = block[first : first + _STEP]
                start_s = self.at / SPEECH_RATE_HZ
                self.at += len(samples)
                yield Sound(samples, start_s)


def without_other(own: Recording, other: Recording) -> Iterator[Pcm]:
    """Yield the sound of `own`, all of it and in order, silenced where it is the voice of `other` alone."""
    mine, theirs = Microphone(), Microphone()
    gate = EchoGate(mine, lambda: theirs)
    reader, ahead = _Reader(own), _Reader(other)
    coming = iter(ahead)
    for sound in reader:
        while ahead.at < reader.at + _AHEAD:
            heard = next(coming, None)
            if heard is None:
                break
            theirs.append(heard.samples, heard.start_s, heard.start_s)
        theirs.forget(mine.end - 2 * SPEECH_RATE_HZ)
        passed = gate.push(sound.samples, sound.start_s, sound.start_s)
        if passed:
            yield np.concatenate([one.samples for one in passed])
    for last in gate.release():
        yield last.samples
