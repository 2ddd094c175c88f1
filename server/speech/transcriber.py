"""PCM of one participant to interims and finals: activity → utterances → model → agreement."""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import Callable

import structlog

from .asking import Asking
from .cadence import Cadence
from .delivery import Delivery
from .language import LanguageChoice
from .pcm import PcmBuffer, SampleClock, silence_for
from .plausibility import is_plausible
from .port import Gap, Pcm, ServiceChanged, SpeechEvent, StateChanged, StreamOptions
from .recogniser import Hypothesis
from .resumption import Resumption
from .scheduler import Priority, Requests
from .segmenter import WINDOW_S, WINDOW_SAMPLES, Segment, Segmenter, SegmenterOptions, windows
from .utterance import Guess, Pending, Rest, Utterance, evidence, is_click

log = structlog.get_logger()

_JITTER_S = 0.06
_GUESS_AFTER_S = 0.2
_DELAYED_AFTER_S = 4.0
_MOST_WAITING_S = 600.0
_MOST_UNREAD_EVENTS = 1000


class Transcriber:
    """A `SpeechStream` over a shared model.

    `activity` takes the next samples and returns a speech probability for each window of 512 they complete.
    Finals come in the order spoken. Of interims, only the newest waits, and the busier the model, the rarer they are.
    """

    def __init__(self, options: StreamOptions, scheduler: Requests, activity: Callable[[Pcm], list[float]]) -> None:
        self._scheduler = scheduler
        self._activity = activity
        self._segmenter = Segmenter(SegmenterOptions.for_sensitivity(options.sensitivity))
        self._language = LanguageChoice(options.language)
        self._channel = uuid.uuid4().hex
        self._clock = SampleClock()
        self._pcm = PcmBuffer()
        self._asking = Asking(scheduler, self._channel, self._pcm, self._language, options.prompt)
        self._utterance: Utterance | None = None
        self._resumption = Resumption(options.resume)
        self._cadence = Cadence()
        self._waiting = 0
        self._pending: asyncio.Queue[Pending | None] = asyncio.Queue()
        self._events = Delivery()
        self._ended = False
        self._settling = asyncio.get_running_loop().create_task(self._settle(), name="speech-settle")

    @property
    def closed(self) -> bool:
        """Whether nothing comes any more."""
        return self._settling.done()

    def push_pcm(self, samples: Pcm, start_s: float) -> None:
        """Take samples whose first one sounded at room time `start_s`."""
        if self._ended or not len(samples):
            return
        late_s = start_s - self._clock.at(self._pcm.end) if self._pcm.end else 0.0
        if late_s > _JITTER_S:
            self._hear(silence_for(late_s, self._pcm.end))
        self._clock.anchor(self._pcm.end, start_s)
        self._hear(samples)

    def flush(self) -> None:
        """Settle the running utterance now."""
        segment = self._segmenter.flush()
        if segment is not None:
            self._ask_final(segment)

    def end_input(self) -> None:
        """No more audio comes."""
        if not self._ended:
            self.flush()
            self._ended = True
            self._pending.put_nowait(None)

    def note(self, state: ServiceChanged) -> None:
        """Tell the listener how the service behind this stream is doing."""
        self._events.put(state)

    def __aiter__(self) -> Transcriber:
        return self

    async def __anext__(self) -> SpeechEvent:
        return await self._events.next()

    async def aclose(self) -> None:
        """Stop; what was not settled is lost."""
        self._ended = True
        self._scheduler.drop_interims(self._channel)
        self._settling.cancel()
        await asyncio.gather(self._settling, return_exceptions=True)
        while not self._pending.empty():
            pending = self._pending.get_nowait()
            if pending is not None:
                pending.result.cancel()
        self._events.end()

    def _hear(self, samples: Pcm) -> None:
        self._pcm.append(samples)
        for probability in self._activity(samples):
            segment = self._segmenter.push(probability)
            if segment is not None:
                self._ask_final(segment)
            running = self._segmenter.current
            if running is not None and not self._guess(running):
                self._consider_interim(running)
        oldest = self._segmenter.oldest_needed * WINDOW_SAMPLES
        self._pcm.forget(oldest)

    def _begin(self, segment: Segment) -> Utterance:
        return self._resumption.begin(self._clock.at(segment.speech_start * WINDOW_SAMPLES))

    def _guess(self, segment: Segment) -> bool:
        """Ask for the final in the first short silence; return whether that is all to do while the silence lasts."""
        utterance = self._utterance = self._utterance or self._begin(segment)
        if utterance.guess is not None:
            if segment.speech_end == utterance.guess.speech_end:
                return True
            self._discard_guess(utterance)
        silent = segment.end - segment.speech_end >= windows(_GUESS_AFTER_S)
        if not silent or is_click(segment) or not self._scheduler.can_speculate:
            return False
        rest, result = self._asking.ask(utterance, segment, Priority.SPECULATIVE)
        guess = Guess(segment.speech_end, rest, result)
        utterance.guess = guess
        guess.result.add_done_callback(lambda done: self._on_guess(utterance, segment, rest, done))
        return True

    def _on_guess(self, utterance: Utterance, segment: Segment, rest: Rest, done: asyncio.Future[Hypothesis]) -> None:
        """Show a guess until it is known to hold."""
        if done.cancelled() or done.exception() is not None or utterance.ended:
            return
        self._show(utterance, segment, rest.whole(done.result()))

    def _discard_guess(self, utterance: Utterance) -> None:
        if utterance.guess is not None:
            self._scheduler.drop_interims(self._channel)
            utterance.guess.result.cancel()
            utterance.guess = None

    def _consider_interim(self, segment: Segment) -> None:
        utterance = self._utterance = self._utterance or self._begin(segment)
        if not self._cadence.is_due(utterance, segment):
            return
        utterance.asked_at = segment.end
        priority = Priority.INTERIM if utterance.shown else Priority.FIRST_INTERIM
        asked_s = time.monotonic()
        rest, result = self._asking.ask(utterance, segment, priority)
        result.add_done_callback(lambda done: self._on_interim(utterance, segment, rest, asked_s, done))

    def _on_interim(
        self, utterance: Utterance, segment: Segment, rest: Rest, asked_s: float, done: asyncio.Future[Hypothesis]
    ) -> None:
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            log.warning("speech.interim_failed", error=type(error).__name__)
            return
        self._cadence.note(time.monotonic() - asked_s)
        self._show(utterance, segment, rest.whole(done.result()))
        if not utterance.shown:
            self._cadence.hurry(utterance, segment)

    def _show(self, utterance: Utterance, segment: Segment, hypothesis: Hypothesis) -> None:
        overtaken = segment.end < utterance.read_to  # by a guess, which does not wait for it
        if utterance.closed or overtaken or len(self._events) > _MOST_UNREAD_EVENTS:
            return
        if is_plausible(hypothesis, evidence(segment)):
            self._events.put(utterance.interim_of(hypothesis, segment, self._clock))
            if utterance is self._utterance and utterance.agreement.settled_until_s:
                self._segmenter.settle_until(segment.start + windows(utterance.agreement.settled_until_s))

    def _ask_final(self, segment: Segment) -> None:
        utterance, self._utterance = self._utterance or self._begin(segment), None
        utterance.ended = True
        length = segment.end - segment.start
        rest = Rest()
        if utterance.guess is not None and utterance.guess.holds_for(segment):
            self._scheduler.promote(self._channel)
            rest, result = utterance.guess.rest, utterance.guess.result
        elif is_click(segment) or self._waiting + length > windows(_MOST_WAITING_S):
            self._scheduler.drop_interims(self._channel)
            result = asyncio.get_running_loop().create_future()
            if is_click(segment):
                result.set_result(Hypothesis(""))
            else:
                result.cancel()
        else:
            self._discard_guess(utterance)
            rest, result = self._asking.ask(utterance, segment, Priority.FINAL)
        self._waiting += length
        self._pending.put_nowait(Pending(utterance, segment, rest, result))

    async def _settle(self) -> None:
        """Turn finished requests into finals, in order."""
        delayed = False
        while (pending := await self._pending.get()) is not None:
            done, _ = await asyncio.wait({pending.result}, timeout=_DELAYED_AFTER_S)
            if not done and not delayed:
                delayed = True
                self._events.put(StateChanged("delayed", "speech recognition is behind"))
            await asyncio.wait({pending.result})
            self._publish(pending)
            self._waiting -= pending.segment.end - pending.segment.start
            if delayed and not self._waiting:
                delayed = False
                self._events.put(StateChanged("ok"))
        self._close_missed(math.inf)
        self._events.end()

    def _close_missed(self, before_s: float) -> None:
        for final in self._resumption.missed(before_s):
            self._events.put(final)

    def _publish(self, pending: Pending) -> None:
        utterance, segment, result = pending.utterance, pending.segment, pending.result
        utterance.closed = True
        self._close_missed(self._clock.at(segment.speech_start * WINDOW_SAMPLES))
        hypothesis: Hypothesis | None = None
        error = None if result.cancelled() else result.exception()
        if result.cancelled() or error is not None:
            log.warning("speech.final_failed", error=type(error).__name__ if error else "dropped")
            final = utterance.final_of(None, segment, self._clock)
            self._events.put(Gap(final.start_s, final.end_s))
        elif is_plausible(whole := pending.rest.whole(result.result()), evidence(segment)):
            hypothesis = whole
            self._language.heard(hypothesis, segment.voiced * WINDOW_S)
        if hypothesis is not None or utterance.shown:
            self._events.put(utterance.final_of(hypothesis, segment, self._clock))
        self._clock.forget(segment.start * WINDOW_SAMPLES)
