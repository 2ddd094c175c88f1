"""One loaded model, heard by several participants: a `SpeechToText` over any `Recogniser`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..model.errors import SpeechUnavailable
from .batches import Batches
from .model_figures import ModelFigures
from .port import Pcm, StreamOptions
from .recogniser import Hypothesis, Recogniser, Request
from .scheduler import Requests, Scheduler
from .transcriber import Transcriber

Activity = Callable[[Pcm], list[float]]


class SharedRecogniser:
    """Loads the recogniser in a thread and gives each participant a `Transcriber`.

    `activity_for_stream` is called once after loading and returns what makes one stream's voice activity.
    """

    def __init__(self, recogniser: Recogniser, load_activity: Callable[[], Callable[[], Activity]]) -> None:
        self.name = recogniser.name
        self._recogniser = recogniser
        self._load_activity = load_activity
        self._new_activity: Callable[[], Activity] | None = None
        self._scheduler: Scheduler | None = None
        self._streams: list[Transcriber] = []

    async def start(self) -> None:
        """Load the model.

        Raises:
            SpeechUnavailable: If it cannot be used.
        """
        self._new_activity, _ = await asyncio.to_thread(self.load)
        self._scheduler = Scheduler(self._recogniser.recognise, self._batches(), self._recogniser.readers)

    def load(self) -> tuple[Callable[[], Activity], Callable[[Request], Hypothesis]]:
        """Load the model; return what makes one stream's voice activity, and what reads an utterance. Blocks.

        Raises:
            SpeechUnavailable: If it cannot be used.
        """
        new_activity = self._load_activity()
        self._recogniser.load()
        return new_activity, self._recogniser.recognise

    async def open(self, options: StreamOptions) -> Transcriber:
        """Open a stream for one participant.

        Raises:
            SpeechUnavailable: Before `start` and after `aclose`.
        """
        if self._scheduler is None or self._new_activity is None:
            raise SpeechUnavailable("Speech recognition is not running: start it before opening a stream.")
        stream = Transcriber(options, self._scheduler, self._new_activity())
        self._streams = [*(open_stream for open_stream in self._streams if not open_stream.closed), stream]
        return stream

    def requests(self) -> Requests:
        """Return where requests go, for a service elsewhere that this model stands in for.

        Raises:
            SpeechUnavailable: Before `start` and after `aclose`.
        """
        if self._scheduler is None:
            raise SpeechUnavailable("The local speech model is not running: it cannot stand in.")
        return self._scheduler

    def figures(self) -> ModelFigures:
        """Return what the queue into the model has counted."""
        return ModelFigures() if self._scheduler is None else self._scheduler.figures

    def _batches(self) -> Batches | None:
        return self._recogniser if isinstance(self._recogniser, Batches) else None

    async def aclose(self) -> None:
        """End every stream and free the model."""
        while self._streams:
            await self._streams.pop().aclose()
        if self._scheduler is not None:
            scheduler, self._scheduler = self._scheduler, None
            await asyncio.to_thread(scheduler.close)
        await asyncio.to_thread(self._recogniser.unload)
