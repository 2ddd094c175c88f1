"""From a running utterance to what the model is asked: the sound of its unsettled rest, and what goes before."""

from __future__ import annotations

import asyncio

from ..model.audio import SPEECH_RATE_HZ
from .language import LanguageChoice
from .pcm import PcmBuffer
from .recogniser import Hypothesis, Request
from .scheduler import Priority, Requests
from .segmenter import WINDOW_S, WINDOW_SAMPLES, Segment, windows
from .utterance import Rest, Utterance

_TRAIL_S = 0.3
_PROMPT_AFTER_VOICED_S = 1.0


class Asking:
    """Asks for one channel's utterances, whose sound `pcm` holds. `prompt` is the owner's."""

    def __init__(self, requests: Requests, channel: str, pcm: PcmBuffer, language: LanguageChoice, prompt: str) -> None:
        self._requests = requests
        self._channel = channel
        self._pcm = pcm
        self._language = language
        self._prompt = prompt

    def ask(
        self, utterance: Utterance, segment: Segment, priority: Priority
    ) -> tuple[Rest, asyncio.Future[Hypothesis]]:
        """Have read what is still to be read of `utterance`; return what that is, and what comes of it."""
        final = priority in (Priority.FINAL, Priority.SPECULATIVE)
        # A language is detected by how an utterance begins.
        rest = utterance.rest(final=final, from_beginning=self._language.fixed is None)
        start = segment.start * WINDOW_SAMPLES + round(rest.start_s * SPEECH_RATE_HZ)
        end = min(segment.end, segment.speech_end + windows(_TRAIL_S))
        samples = self._pcm.slice(start, end * WINDOW_SAMPLES)
        prompt = self._prompt if segment.voiced * WINDOW_S >= _PROMPT_AFTER_VOICED_S else ""
        before = " ".join(word.text for word in rest.before)
        request = Request(samples, self._language.fixed, final, prompt, rest.settled, before)
        return rest, self._requests.submit(self._channel, request, priority)
