"""The speech process: one provider for every participant, away from the media loop. `python -m server.speech.worker`.

Reads frames from standard input, writes frames to standard output, and ends when its input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Any, BinaryIO

import structlog

from ..logs import configure_logs
from ..model.errors import EscutaError
from .decoder import PacketDecoder, Sound
from .options import ProviderOptions
from .port import SpeechStream, SpeechToText, StreamOptions
from .protocol import Kind, decode_packet, encode_json, event_to_dict, read_frame
from .providers import create_provider

log = structlog.get_logger()

_NICENESS = 5
_SILENT_AFTER_S = 0.8
_TICK_S = 0.2


class _Channel:
    """One participant here: decoder, stream, and the task that passes events on."""

    def __init__(self, stream: SpeechStream, reading: asyncio.Task[None]) -> None:
        self.stream = stream
        self.reading = reading
        self.decoder = PacketDecoder()
        self.last_push_s = 0.0
        self.quiet = True

    def hear(self, sounds: list[Sound]) -> None:
        for sound in sounds:
            self.stream.push_pcm(sound.samples, sound.start_s)


class Worker:
    """Obeys the frames of one parent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._channels: dict[int, _Channel] = {}
        self._provider: SpeechToText | None = None

    async def run(self) -> int:
        """Serve until the input ends; return the exit status."""
        hello = await self._next_command()
        if hello is None:
            return 0
        try:
            provider = create_provider(hello["provider"], ProviderOptions.model_validate(hello["options"]))
            await provider.start()
        except EscutaError as error:
            await self._send({"type": "failed", "detail": str(error)})
            return 3
        self._provider = provider
        await self._send({"type": "ready", "provider": provider.name})
        async with asyncio.TaskGroup() as tasks:
            ticking = tasks.create_task(self._tick())
            await self._obey(tasks)
            ticking.cancel()
            for channel in self._channels.values():
                channel.reading.cancel()
                await channel.stream.aclose()
        await provider.aclose()
        return 0

    async def _next_command(self) -> dict[str, Any] | None:
        frame = await read_frame(self._reader)
        return None if frame is None else dict(json.loads(frame[1]))

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
            assert self._provider is not None  # noqa: S101 - run() starts it first
            stream = await self._provider.open(StreamOptions(**command["options"]))
            self._channels[number] = _Channel(stream, tasks.create_task(self._pass_on(number, stream)))
            return
        channel = self._channels.get(number)
        if channel is None:
            return
        if command["type"] == "connection":
            channel.hear(channel.decoder.new_connection())
        elif command["type"] == "flush":
            channel.hear(channel.decoder.release())
            channel.stream.flush()
        elif command["type"] == "close":
            channel.hear(channel.decoder.release())
            channel.stream.end_input()

    async def _pass_on(self, number: int, stream: SpeechStream) -> None:
        async for event in stream:
            await self._send({"channel": number, **event_to_dict(event)})
        await stream.aclose()
        self._channels.pop(number, None)
        await self._send({"type": "closed", "channel": number})

    async def _tick(self) -> None:
        """Settle the utterance of a participant from whom no packets come any more."""
        while True:
            await asyncio.sleep(_TICK_S)
            now_s = asyncio.get_running_loop().time()
            for channel in self._channels.values():
                if not channel.quiet and now_s - channel.last_push_s > _SILENT_AFTER_S:
                    channel.quiet = True
                    channel.hear(channel.decoder.release())
                    channel.stream.flush()

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            self._writer.write(encode_json(message))
            await self._writer.drain()
        except ConnectionError:
            log.info("speech.parent_gone")


async def _serve(source: BinaryIO, sink: BinaryIO) -> int:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 18)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), source)
    transport, protocol = await loop.connect_write_pipe(lambda: asyncio.streams.FlowControlMixin(loop=loop), sink)
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    try:
        return await Worker(reader, writer).run()
    finally:
        writer.close()


def main() -> int:
    """Run the process; the parent decides when it ends, not the terminal."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICENESS)
    configure_logs()
    # Libraries may print: frames get a descriptor of their own, and standard output becomes standard error.
    frames = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return asyncio.run(_serve(sys.stdin.buffer, frames))


if __name__ == "__main__":
    raise SystemExit(main())
