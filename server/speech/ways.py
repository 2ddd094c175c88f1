"""The two ways to a process that recognises speech: one of our own behind pipes, or a shared one behind a socket."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import Process
from pathlib import Path
from typing import Protocol

import structlog

from ..child import command
from ..settings import Settings
from .options import ProviderOptions
from .protocol import encode_json

log = structlog.get_logger()

LAST_WORDS_S = 3.0
"""How long a process may take to end."""

_LIMIT_BYTES = 1 << 18


class Way(Protocol):
    """Opened again and again, one process after the other."""

    @property
    def process_id(self) -> int | None:
        """The process, while it runs and is our own."""

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Reach a process; raises OSError."""

    def release(self, *, reads: bool) -> None:
        """Let go of it soon: by the end of its input or, while it does not read, at once."""

    async def close(self) -> None:
        """Let go of it, and wait until that is done."""


class OwnProcess:
    """A child, started at each opening. Given a listening `socket`, it serves whoever connects to that."""

    def __init__(self, settings: Settings, socket: int | None = None) -> None:
        self._settings = settings
        self._socket = socket
        self._process: Process | None = None

    @property
    def process_id(self) -> int | None:
        """The process, while it runs."""
        return None if self._process is None else self._process.pid

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Start it and tell it what to load; raises OSError."""
        process = self._process = await asyncio.create_subprocess_exec(
            *command("server.speech.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=() if self._socket is None else (self._socket,),
        )
        log.info("speech.process_started", pid=process.pid)
        assert process.stdin is not None  # noqa: S101 - opened as a pipe
        assert process.stdout is not None  # noqa: S101 - opened as a pipe
        process.stdin.write(encode_json(self._hello()))
        return process.stdout, process.stdin

    def release(self, *, reads: bool) -> None:
        """Let it end."""
        if self._process is None or self._process.returncode is not None:
            return
        if reads and self._process.stdin is not None:
            self._process.stdin.close()
        else:
            self._process.kill()

    async def close(self) -> None:
        """Close its input and wait; kill it if it does not go."""
        if self._process is not None:
            process, self._process = self._process, None
            await _end(process)
            log.info("speech.process_ended", status=process.returncode)

    def _hello(self) -> dict[str, object]:
        options = ProviderOptions.from_settings(self._settings)
        provider = self._settings.speech_provider
        return {"provider": provider, "options": options.model_dump(mode="json"), "socket": self._socket}


class SharedProcess:
    """Somebody else's process; whoever listens for it at `socket` lets us wait while it starts."""

    process_id = None

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect; raises OSError."""
        reader, self._writer = await asyncio.open_unix_connection(self._socket, limit=_LIMIT_BYTES)
        return reader, self._writer

    def release(self, *, reads: bool) -> None:  # noqa: ARG002 - it ends neither way
        """Disconnect."""
        if self._writer is not None:
            self._writer.close()

    async def close(self) -> None:
        """Disconnect."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _end(process: Process) -> None:
    """Close the process's input and wait; kill it if it does not go."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), LAST_WORDS_S)
    except TimeoutError:
        process.kill()
        await process.wait()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
