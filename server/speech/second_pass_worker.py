"""What `read_again` runs: reads an order from standard input, prints the transcript as JSON."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np

from ..child import take_output
from ..logs import configure_logs
from ..model.audio import SPEECH_RATE_HZ
from ..model.errors import EscutaError, SpeechUnavailable
from ..model.transcript import Utterance
from .apart import Recording, without_other
from .passages import Voice, read_voice
from .port import Pcm
from .providers import create_provider
from .second_pass import SecondPassOrder, Track
from .shared import SharedRecogniser

LOCAL_PROVIDER = "faster_whisper"
_LOWEST_PRIORITY = 19
_PR_SET_PDEATHSIG = 1
_BLOCK_SAMPLES = 5 * SPEECH_RATE_HZ
_SLACK_S = 0.5


def sound_of(path: Path) -> Iterator[Pcm]:
    """Yield the file's sound at 16 kHz in blocks of 5 s.

    Raises:
        OSError: If it cannot be read.
    """
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", SPEECH_RATE_HZ)
        waiting: list[Pcm] = []
        for frame in container.decode(audio=0):
            waiting += [resampled.to_ndarray()[0] for resampled in resampler.resample(frame)]
            if sum(len(samples) for samples in waiting) >= _BLOCK_SAMPLES:
                yield np.concatenate(waiting).astype(np.float32)
                waiting.clear()
        waiting += [resampled.to_ndarray()[0] for resampled in resampler.resample(None)]
        if waiting:
            yield np.concatenate(waiting).astype(np.float32)


def whole_sound_of(track: Track) -> Iterator[Pcm]:
    """Yield a voice's sound to its end.

    Raises:
        OSError: If it cannot be read.
        SpeechUnavailable: If the file ends early: half a transcript must not pass for a whole one.
    """
    samples = 0
    for block in sound_of(track.path):
        samples += len(block)
        yield block
    found_s = samples / SPEECH_RATE_HZ
    if found_s < track.duration_s - _SLACK_S:
        raise SpeechUnavailable(f"{track.path.name} ends after {found_s:.0f} s instead of {track.duration_s:.0f} s.")


def _sound_of_one(track: Track, tracks: Sequence[Track]) -> Iterator[Pcm]:
    """Return the sound of `track`, without what its microphone heard of the other voice."""
    sound = whole_sound_of(track)
    for other in tracks:
        if other.role != track.role:
            return without_other(Recording(sound, track.start_s), Recording(sound_of(other.path), other.start_s))
    return sound


def read_all(order: SecondPassOrder) -> list[Utterance]:
    """Return what was said in every track, in the order of speech.

    Raises:
        EscutaError: If the model cannot be used, or a file is not whole.
        OSError: If a file cannot be read.
    """
    provider = create_provider(order.provider, order.options)
    if not isinstance(provider, SharedRecogniser):
        # A remote service reads while one speaks; a whole recording is read here.
        provider = create_provider(LOCAL_PROVIDER, order.options)
    assert isinstance(provider, SharedRecogniser)  # noqa: S101 - the local one is
    new_activity, recognise = provider.load()
    said: list[Utterance] = []
    for track in order.tracks:
        voice = Voice(track.role, track.start_s, order.language, order.sensitivity, provider.name)
        said += read_voice(_sound_of_one(track, order.tracks), voice, new_activity(), recognise)
    return sorted(said, key=lambda spoken: (spoken.start_s, spoken.end_s, spoken.id))


def main() -> int:
    """Read what the order names; return the exit status."""
    _die_with_parent()
    os.nice(_LOWEST_PRIORITY)
    configure_logs()
    answers = os.fdopen(take_output(), "w")
    order = SecondPassOrder.model_validate_json(sys.stdin.buffer.read())
    answer: dict[str, object]
    try:
        answer = {"utterances": [spoken.model_dump(mode="json") for spoken in read_all(order)]}
    except (EscutaError, OSError, av.FFmpegError) as error:
        answer = {"failed": str(error)}
    json.dump(answer, answers)
    answers.close()
    return 1 if "failed" in answer else 0


def _die_with_parent() -> None:
    # Stopped by SIGSTOP it would otherwise outlive a parent that is killed.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
