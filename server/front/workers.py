"""The worker processes as the front sees them: started, watched, started again, asked and told to end."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
import structlog

from ..child import command
from ..model.errors import Unavailable
from .affinity import ranking
from .orders import Orders

log = structlog.get_logger()

PATIENCE_S = 5.0
"""How long somebody who asks for a worker that is being started again waits for it."""
_BACKOFF_S = (0.1, 1.0, 5.0, 15.0)
_STEADY_AFTER_S = 30.0
_CONNECT_WITHIN_S = 5.0
_ANSWER_WITHIN_S = 60.0
_COMMAND = command("server.front.worker")


class WorkerProcess:
    """One worker: a process, and when that dies another in its place. `run` it; `life` counts the processes."""

    def __init__(self, orders: Orders) -> None:
        self.number = orders.worker
        self.life = 0
        self._orders = orders
        self._up = asyncio.Event()
        self._stopping = asyncio.Event()
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._process: Process | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def up(self) -> bool:
        """Whether it can be asked."""
        return self._up.is_set()

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return None if self._process is None else self._process.pid

    async def session(self) -> aiohttp.ClientSession:
        """Return what asks it, waiting a moment while it is started again.

        Raises:
            Unavailable: If it is not up within `PATIENCE_S`.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._up.wait()
        if self._session is None or self._stopping.is_set():
            raise Unavailable("This part of the server is being started again; try again in a moment.")
        return self._session

    async def started(self) -> None:
        """Wait for the first process to be ready.

        Raises:
            Unavailable: If it ended before; the message is what it said.
        """
        await self._started

    def stop(self) -> None:
        """Have it end its calls and itself; `run` returns then."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()

    @staticmethod
    def new_session(socket: str) -> aiohttp.ClientSession:
        """Return what asks whoever listens at `socket`, and changes nothing of what is sent or answered."""
        return aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(socket, limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_WITHIN_S, sock_read=_ANSWER_WITHIN_S),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def run(self) -> None:
        """Keep one process running until stopped."""
        loop, failures = asyncio.get_running_loop(), 0
        while not self._stopping.is_set():
            began_s = loop.time()
            self.life += 1
            said = await self._run_process()
            if not self._started.done():
                # Nobody may be waiting any more.
                self._started.set_exception(Unavailable(said or "A worker ended while it started; see its log."))
                self._started.exception()
                return
            if self._stopping.is_set():
                return
            if said:
                log.error("worker.cannot_start", worker=self.number, why=said)
            failures = 1 if loop.time() - began_s > _STEADY_AFTER_S else failures + 1
            with suppress(TimeoutError):
                async with asyncio.timeout(_BACKOFF_S[min(failures, len(_BACKOFF_S)) - 1]):
                    await self._stopping.wait()

    async def _run_process(self) -> str:
        """Run one process to its end; return what it said was wrong, if it did."""
        process = self._process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None  # noqa: S101 - opened as a pipe
        assert process.stdout is not None  # noqa: S101 - opened as a pipe
        try:
            process.stdin.write(self._orders.line())
            line = await process.stdout.readline()
            said = json.loads(line) if line else {}
            if "ready" in said:
                await self._serve(process)
            return str(said.get("failed", ""))
        except asyncio.CancelledError:
            process.kill()  # the second Ctrl-C: the next start finishes what this leaves
            raise
        finally:
            # It ends when its input does, having put its papers in order.
            process.stdin.close()
            status = await process.wait()
            log.info("worker.ended", worker=self.number, pid=process.pid, status=status)

    async def _serve(self, process: Process) -> None:
        async with self.new_session(self._orders.socket) as self._session:
            log.info("worker.started", worker=self.number, pid=process.pid)
            self._up.set()
            if not self._started.done():
                self._started.set_result(None)
            if self._stopping.is_set():
                process.terminate()
            await process.wait()
            self._up.clear()
            if not self._stopping.is_set():
                log.error("worker.died", worker=self.number, status=process.returncode)
        self._session = None


class Workers:
    """All of them, and who is asked about what."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.each: tuple[WorkerProcess, ...] = ()

    def owner(self, consultation_id: str) -> WorkerProcess:
        """Return the worker in which a consultation lives.

        Raises:
            Unavailable: If the workers have not been started.
        """
        return self._ranked(consultation_id)[0]

    def any(self, key: str) -> WorkerProcess:
        """Return a worker for what each of them can do: for the same `key` the same one, as long as that is up.

        Raises:
            Unavailable: If the workers have not been started.
        """
        ranked = self._ranked(key)
        return next((worker for worker in ranked if worker.up), ranked[0])

    @asynccontextmanager
    async def running(self, orders: Callable[[int], Orders]) -> AsyncIterator[None]:
        """Run all of them; leaving ends their calls and waits until everything is in order.

        Raises:
            Unavailable: If one of them cannot start; the message says why.
        """
        workers = tuple(WorkerProcess(orders(number)) for number in range(self.count))
        failed: BaseException | None = None
        async with asyncio.TaskGroup() as tasks:
            for worker in workers:
                tasks.create_task(worker.run())
            try:
                for worker in workers:
                    await worker.started()
                self.each = workers
                yield
            except BaseException as error:
                failed = error  # it stays what it is, and the workers still end cleanly
            finally:
                for worker in workers:
                    worker.stop()
        if failed is not None:
            raise failed

    def _ranked(self, key: str) -> list[WorkerProcess]:
        if not self.each:
            raise Unavailable("The server is starting; try again in a moment.")
        return [self.each[number] for number in ranking(key, self.count)]
