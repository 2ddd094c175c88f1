"""One client of the speech process: its frames become what its participants' streams are told, and events come back."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

import structlog

from .company import Company, Place
from .decoder import PacketDecoder, Sound
from .model_figures import ModelFigures
from .port import SpeechStream, SpeechToText
from .protocol import Kind, decode_packet, encode_json, event_to_dict, options_from_dict, read_frame

log = structlog.get_logger()

_SILENT_AFTER_S = 0.8
_TICK_S = 0.2
_FIGURES_EVERY_S = 1.0


class _Channel:
    """One participant here: decoder, place beside the other's voice, stream, and the task that passes events on."""

    def __init__(self, room: str, place: Place, stream: SpeechStream, reading: asyncio.Task[None]) -> None:
        self.room = room
        self.place = place
        self.stream = stream
        self.reading = reading
        self.decoder = PacketDecoder()
        self.last_push_s = 0.0
        self.quiet = True

    def hear(self, sounds: list[Sound]) -> None:
        now_s = asyncio.get_running_loop().time()
        for sound in sounds:
            self._pass_on(self.place.gate.push(sound.samples, sound.start_s, now_s))

    def settle(self) -> None:
        """Nothing more comes for now: pass on what is held back."""
        self.hear(self.decoder.release())
        self._pass_on(self.place.gate.release())

    def _pass_on(self, sounds: list[Sound]) -> None:
        for sound in sounds:
            self.stream.push_pcm(sound.samples, sound.start_s)


class Session:
    """Obeys the frames of one client, and tells it what the whole process counts."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        provider: SpeechToText,
        figures: Callable[[], ModelFigures] = ModelFigures,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._provider = provider
        self._figures = figures
        self._company = Company()
        self._channels: dict[int, _Channel] = {}

    async def run(self) -> None:
        """Serve until the input ends."""
        await self._send({"type": "ready", "provider": self._provider.name})
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(self._tick()), tasks.create_task(self._tell_figures())]
            try:
                await self._obey(tasks)
            finally:
                for task in beside:
                    task.cancel()
                for channel in self._channels.values():
                    channel.reading.cancel()
                    await channel.stream.aclose()

    async def _obey(self, tasks: asyncio.TaskGroup) -> None:
        while (frame := await read_frame(self._reader)) is not None:
            kind, body = frame
            if kind is Kind.PACKET:
                number, packet = decode_packet(body)
                channel = self._channels.get(number)
                if channel is not None:
                    channel.last_push_s = asyncio.get_running_loop().time()
                    channel.quiet = False
                    channel.hear(channel.decoder.push(packet))
            else:
                await self._command(json.loads(body), tasks)
            # Reading what is buffered never suspends: let the model's results through in between.
            await asyncio.sleep(0)

    async def _command(self, command: dict[str, Any], tasks: asyncio.TaskGroup) -> None:
        number = int(command["channel"])
        if command["type"] == "open":
            options = options_from_dict(command["options"])
            stream = await self._provider.open(options)
            reading = tasks.create_task(self._pass_on(number, stream))
            self._channels[number] = _Channel(options.room, self._company.join(options.room), stream, reading)
            return
        channel = self._channels.get(number)
        if channel is None:
            return
        if command["type"] == "connection":
            channel.hear(channel.decoder.new_connection())
        elif command["type"] == "flush":
            channel.settle()
            channel.stream.flush()
        elif command["type"] == "close":
            channel.settle()
            channel.stream.end_input()

    async def _pass_on(self, number: int, stream: SpeechStream) -> None:
        async for event in stream:
            await self._send({"channel": number, **event_to_dict(event)})
        await stream.aclose()
        channel = self._channels.pop(number, None)
        if channel is not None:
            self._company.leave(channel.room, channel.place)
        await self._send({"type": "closed", "channel": number})

    async def _tick(self) -> None:
        """Settle the utterance of a participant from whom no packets come any more."""
        while True:
            await asyncio.sleep(_TICK_S)
            now_s = asyncio.get_running_loop().time()
            for channel in self._channels.values():
                if not channel.quiet and now_s - channel.last_push_s > _SILENT_AFTER_S:
                    channel.quiet = True
                    channel.settle()
                    channel.stream.flush()

    async def _tell_figures(self) -> None:
        told = ModelFigures().to_dict()
        while True:
            await asyncio.sleep(_FIGURES_EVERY_S)
            now = self._figures().to_dict()
            if now != told:
                told = now
                await self._send({"type": "figures", "process": os.getpid(), "figures": now})

    async def _send(self, message: dict[str, Any]) -> None:
        await send(self._writer, message)


async def send(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    """Send `message` to a client, who may be gone."""
    try:
        writer.write(encode_json(message))
        await writer.drain()
    except ConnectionError:
        log.info("speech.client_gone")
