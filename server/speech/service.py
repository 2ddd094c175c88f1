"""Speech recognition as the rooms use it: a process that is started, fed, listened to and started again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import structlog

from ..settings import Settings
from .channel import SpeechChannel
from .model_figures import ModelFigures
from .port import SpeechEvent, StateChanged, StreamOptions
from .protocol import event_from_dict, read_frame
from .ways import LAST_WORDS_S, OwnProcess, Way

log = structlog.get_logger()

_BACKOFF_S = (0.2, 1.0, 5.0, 15.0, 60.0)
_STEADY_AFTER_S = 30.0
_ITEMS_AT_ONCE = 10
_BYTES_AT_ONCE = 1 << 16


class SpeechService:
    """Runs the speech process for every room of this server, or goes another `way` to one. Call it from one event loop.

    `start` returns at once; audio pushed while the model loads waits and is heard afterwards.
    """

    def __init__(self, settings: Settings, way: Way | None = None) -> None:
        self._way = way or OwnProcess(settings)
        self._state = StateChanged("starting", "the speech model is loading")
        self._subscribers: list[Callable[[StateChanged], None]] = []
        self._channels: dict[int, SpeechChannel] = {}
        self._delayed: set[int] = set()
        self._next_number = 1
        self._wake = asyncio.Event()
        self._news: set[int] = set()  # channels that have something for the process
        self._supervision: asyncio.Task[None] | None = None
        self._ready = False  # the process has loaded its model and reads its input
        self._closed = asyncio.Event()
        self._counted: dict[int, ModelFigures] = {}  # by process
        self.restarts = 0
        self.callback_errors = 0

    @property
    def state(self) -> StateChanged:
        """How recognition is doing."""
        return self._state

    @property
    def model_figures(self) -> ModelFigures:
        """What the queues into the models have counted, those of processes that are gone included."""
        return sum(self._counted.values(), ModelFigures())

    @property
    def process_id(self) -> int | None:
        """The speech process, while there is one."""
        return self._way.process_id

    def subscribe_state(self, callback: Callable[[StateChanged], None]) -> Callable[[], None]:
        """Call `callback` on every change of state; the returned function ends that."""
        self._subscribers.append(callback)

        def unsubscribe() -> None:
            if callback in self._subscribers:
                self._subscribers.remove(callback)

        return unsubscribe

    async def start(self) -> None:
        """Begin to load; does not wait for it."""
        if self._supervision is None:
            self._supervision = asyncio.get_running_loop().create_task(self._supervise(), name="speech-supervision")

    def open(self, options: StreamOptions, on_event: Callable[[SpeechEvent], None]) -> SpeechChannel:
        """Open a channel for one participant; `on_event` is called in the event loop."""
        number = self._next_number
        channel = SpeechChannel(number, options, on_event, lambda: self._note_news(number))
        self._next_number += 1
        self._channels[number] = channel
        self._note_news(number)
        return channel

    async def aclose(self) -> None:
        """End the process. Channels that are still open lose what was not settled: close them first."""
        self._closed.set()
        self._wake.set()
        self._way.release(reads=self._ready)
        if self._supervision is not None:
            try:
                await asyncio.wait_for(asyncio.shield(self._supervision), LAST_WORDS_S)
            except TimeoutError:
                self._supervision.cancel()
                await asyncio.gather(self._supervision, return_exceptions=True)
            self._supervision = None
        for channel in tuple(self._channels.values()):
            channel.abandon()
        self._channels.clear()

    async def _supervise(self) -> None:
        failures = 0
        loop = asyncio.get_running_loop()
        while not self._closed.is_set():
            began_s, finals = loop.time(), self._finals()
            detail = await self._run_process()
            if self._closed.is_set():
                return
            progress = loop.time() - began_s > _STEADY_AFTER_S or self._finals() > finals
            failures = 1 if progress else failures + 1
            self.restarts += 1
            self._delayed.clear()
            for channel in [channel for channel in self._channels.values() if channel.closed]:
                self._forget(channel.number)
            for channel in self._channels.values():
                channel.start_again(forget_audio=failures > 2)
            self._set_state(StateChanged("failing", detail or "the speech process ended and is started again"))
            await self._pause(_BACKOFF_S[min(failures, len(_BACKOFF_S)) - 1])

    def _finals(self) -> int:
        return sum(channel.finals for channel in self._channels.values())

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return

    async def _run_process(self) -> str:
        """Run one process until it ends; return what it said was wrong, if it did."""
        try:
            reader, writer = await self._way.open()
        except OSError as error:
            return f"the speech process cannot be started: {error.strerror}"
        try:
            return await self._converse(reader, writer)
        finally:
            self._ready = False
            await self._way.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        detail = ""
        writing: asyncio.Task[None] | None = None
        try:
            while (frame := await read_frame(reader)) is not None:
                message: dict[str, Any] = json.loads(frame[1])
                if message["type"] == "ready":
                    self._ready = True
                    self._set_state(StateChanged("ok"))
                    writing = asyncio.get_running_loop().create_task(self._write(writer), name="speech-write")
                elif message["type"] == "failed":
                    detail = str(message["detail"])
                elif message["type"] == "figures":
                    self._counted[int(message["process"])] = ModelFigures(**message["figures"])
                else:
                    self._receive(message)
        finally:
            if writing is not None:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
        return detail

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        self._news.update(self._channels)
        while not self._closed.is_set():
            self._wake.clear()
            news, self._news = self._news, set()
            frames = bytearray()
            for channel in [self._channels[number] for number in news if number in self._channels]:
                if more := channel.take_unsent(_ITEMS_AT_ONCE):
                    frames += more
                    if len(frames) > _BYTES_AT_ONCE:
                        writer.write(bytes(frames))
                        frames.clear()
                        await writer.drain()
                if channel.closed and not channel.known_to_process:
                    self._forget(channel.number)
                elif channel.waiting:  # its turn comes again after the others': voices of one room go side by side
                    self._note_news(channel.number)
            if frames:
                writer.write(bytes(frames))
                await writer.drain()
            await self._wake.wait()

    def _note_news(self, number: int) -> None:
        if number not in self._news:
            self._news.add(number)
            self._wake.set()

    def _receive(self, message: dict[str, Any]) -> None:
        number = int(message.pop("channel"))
        channel = self._channels.get(number)
        if channel is None:
            return
        if message["type"] == "closed":
            self._forget(number)
            channel.confirm_closed()
            return
        event = event_from_dict(message)
        if isinstance(event, StateChanged):
            self._note_delay(number, event)
        else:
            channel.receive(event)

    def _note_delay(self, number: int, event: StateChanged) -> None:
        if event.state == "ok":
            self._delayed.discard(number)
        else:
            self._delayed.add(number)
        self._set_state(event if self._delayed else StateChanged("ok"))

    def _forget(self, number: int) -> None:
        self._channels.pop(number, None)
        if number in self._delayed:
            self._note_delay(number, StateChanged("ok"))

    def _set_state(self, state: StateChanged) -> None:
        if state == self._state:
            return
        self._state = state
        log.info("speech.state", state=state.state)
        for callback in tuple(self._subscribers):
            try:
                callback(state)
            except Exception:  # a room's callback: its failure must not end recognition
                self.callback_errors += 1
                log.exception("speech.callback_failed")
