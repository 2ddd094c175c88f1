"""The speech process: one provider for every participant, away from the media loop. Started by `OwnProcess`.

Reads frames from standard input, writes frames to standard output, and ends when its input does. Given a listening
socket, it does the same for whoever connects there, with the same provider.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, BinaryIO

import structlog

from ..child import take_output
from ..logs import configure_logs
from ..model.errors import EscutaError
from .choice import Choice
from .options import ProviderOptions
from .protocol import read_frame
from .session import Session, send

log = structlog.get_logger()

_NICENESS = 5
_LIMIT_BYTES = 1 << 18
_EXPLAINING_S = 0.5
"""How long those who have connected meanwhile can hear why nothing can be loaded."""


class Worker:
    """Loads a provider and serves the parent with it, and those who connect."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.broken_sessions = 0
        self._reader = reader
        self._writer = writer
        self._provider: asyncio.Future[Choice] = asyncio.get_running_loop().create_future()
        self._guests: set[asyncio.Task[Any]] = set()

    async def run(self) -> int:
        """Serve until the input ends; return the exit status."""
        frame = await read_frame(self._reader)
        if frame is None:
            return 0
        hello = json.loads(frame[1])
        async with self._guests_at(hello.get("socket")):
            try:
                provider = Choice(hello["provider"], ProviderOptions.model_validate(hello["options"]))
                await provider.start()
            except EscutaError as error:
                self._provider.set_exception(error)
                await self._serve(self._reader, self._writer)
                if hello.get("socket") is not None:
                    await asyncio.sleep(_EXPLAINING_S)
                return 3
            self._provider.set_result(provider)
            await self._serve(self._reader, self._writer)
        await provider.aclose()
        return 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            provider = await asyncio.shield(self._provider)
        except EscutaError as error:
            await send(writer, {"type": "failed", "detail": str(error)})
            return
        await Session(reader, writer, provider, provider.figures).run()

    @asynccontextmanager
    async def _guests_at(self, descriptor: int | None) -> AsyncIterator[None]:
        if descriptor is None:
            yield
            return
        listening = socket.socket(fileno=descriptor)
        listening.setblocking(False)
        # Not start_unix_server: it would take the path away, on which others wait for the next process.
        server = await asyncio.start_server(self._welcome, sock=listening, limit=_LIMIT_BYTES)
        try:
            yield
        finally:
            server.close()
            for guest in self._guests:
                guest.cancel()
            await asyncio.gather(*self._guests, return_exceptions=True)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._guests.add(task)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            return  # by us, at the end; a stream's callback must not end so
        except Exception:  # one guest's fault must not reach the others
            self.broken_sessions += 1
            log.exception("speech.session_failed")
        finally:
            self._guests.discard(task)
            writer.close()


async def _serve(source: BinaryIO, sink: BinaryIO) -> int:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LIMIT_BYTES)
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
    frames = os.fdopen(take_output(), "wb", buffering=0)
    return asyncio.run(_serve(sys.stdin.buffer, frames))
