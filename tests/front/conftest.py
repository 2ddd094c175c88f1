"""A real front over real sockets, with workers that are small applications of the test's own."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from server.front.affinity import owner
from server.front.carried import as_it_came
from server.front.front import front_application
from server.front.workers import WorkerProcess, Workers
from server.model.errors import Unavailable
from server.settings import Settings
from server.web.auth import TokenAuthority
from server.web.site import listening

SECRET = "an API secret for tests alone, 32+"
AUTHORITY = TokenAuthority("escuta", SECRET, 3600)


class FakeWorker:
    """Stands where a worker process would: `application` answers."""

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.life = 1
        self.up = True
        self.application = web.Application(middlewares=(as_it_came,))
        self._path = folder / f"worker-{number}"
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        self._runner = web.AppRunner(self.application, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self._path)).start()
        self._session = WorkerProcess.new_session(str(self._path))

    async def session(self) -> aiohttp.ClientSession:
        if not self.up or self._session is None:
            raise Unavailable("It is being started again.")
        return self._session

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()


class Stand:
    """The front, a client of it, and its workers; fill their applications before `start`."""

    def __init__(self, stack: AsyncExitStack, folder: Path, count: int = 2) -> None:
        self.settings = Settings(data_dir=folder, workers=count, port=0, _env_file=None)
        self.workers = Workers(count)
        self.each = tuple(FakeWorker(number, folder) for number in range(count))
        self.application = front_application(self.workers, self.settings)
        self.port = 0
        self.client: aiohttp.ClientSession
        self._stack = stack

    async def start(self) -> None:
        for worker in self.each:
            await worker.start()
            self._stack.push_async_callback(worker.stop)
        self.workers.each = self.each  # type: ignore[assignment]
        # Not aiohttp's test server: unlike ours, that cancels handlers whose caller is gone.
        self.port = await self._stack.enter_async_context(listening(self.application, self.settings, decompress=False))
        self.client = await self._stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{self.port}"))

    def route(self, method: str, path: str, handler: Any) -> None:
        """Have every worker answer with `handler(request, worker)`."""
        for worker in self.each:

            async def answer(request: web.Request, worker: FakeWorker = worker) -> web.StreamResponse:
                return await handler(request, worker)

            worker.application.router.add_route(method, path, answer)


def consultation_of(worker: int, workers: int = 2) -> str:
    """Return a consultation's id that lives in that worker."""
    return next(name for name in (f"consultation-{n}" for n in range(1000)) if owner(name, workers) == worker)


def join_message(consultation: str | None, role: Any = "patient") -> dict[str, Any]:
    token = AUTHORITY.issue(identity="p", name="P", role=role, consultation_id=consultation)
    return {"type": "join", "v": 1, "token": token}


async def exchanged(port: int, head: bytes, body: bytes = b"") -> bytes:
    """Send bytes as they are; return all that is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head + b"\r\nConnection: close\r\n\r\n" + body)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    # Sockets' paths are short: pytest's own folders may be too deep.
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp))
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        yield Stand(stack, folder)
