"""The PostgreSQL that Escuta brings along: started, watched, restarted and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import structlog

from ..model.errors import DatabaseUnavailable
from .cluster import CONNECTIONS, Cluster

log = structlog.get_logger()

START_TIMEOUT_S = 60.0
READY_POLL_S = 0.02
FAST_STOP_S = 20.0
RESTART_DELAYS_S = (0.1, 0.5, 2.0, 5.0)


class EmbeddedPostgres:
    """A PostgreSQL server on `data_dir/postgres`, reached through a Unix socket only its owner can open.

    It ends with this process, however this process ends, and is started again if it dies by itself.
    """

    def __init__(self, data_dir: Path, connections: int = CONNECTIONS) -> None:
        self.restarts = 0
        self._cluster = Cluster(data_dir / "postgres", connections)
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The connection string; stays the same over restarts."""
        return self._cluster.url

    @property
    def pid(self) -> int | None:
        """The server's process, None while there is none."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> str:
        """Start the server, making its data folder the first time, and return the connection string.

        Raises:
            Conflict: If another Escuta uses the folder, or another PostgreSQL version made it.
            DatabaseUnavailable: If it does not start; the message says why.
        """
        if self._watch is not None:
            return self.url
        await asyncio.to_thread(self._cluster.prepare)
        try:
            self._process = await self._launch()
        except BaseException:
            self._cluster.release()
            raise
        self._watch = asyncio.create_task(self._keep_running(), name="embedded-postgres")
        log.info("postgres.started", pid=self._process.pid)
        return self.url

    async def stop(self) -> None:
        """Stop the server cleanly; harmless when it does not run."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait({self._watch})
            self._watch = None
        if self._process is not None:
            await _end(self._process)
            self._process = None
            log.info("postgres.stopped", restarts=self.restarts)
        self._cluster.release()

    async def _launch(self) -> asyncio.subprocess.Process:
        output = self._cluster.open_log()
        try:
            # A session of its own: Ctrl-C on the terminal is for us, the database stops after the last write.
            process = await asyncio.create_subprocess_exec(
                *self._cluster.command(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._cluster.environment(),
                cwd="/",
                start_new_session=True,
            )
        finally:
            os.close(output)
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while not self._cluster.is_ready():
                    if process.returncode is not None:
                        raise DatabaseUnavailable(f"The database did not start: {self._cluster.log_tail()}")
                    await asyncio.sleep(READY_POLL_S)
        except TimeoutError:
            await _end(process)
            message = f"The database did not start in {START_TIMEOUT_S:.0f} s: {self._cluster.log_tail()}"
            raise DatabaseUnavailable(message) from None
        except BaseException:
            await _end(process)
            raise
        return process

    async def _keep_running(self) -> None:
        """Start the server again whenever it dies; ends by being cancelled."""
        failures = 0
        while True:
            if self._process is not None:
                status = await self._process.wait()
                self._process = None
                log.error("postgres.died", status=status)
            await asyncio.sleep(RESTART_DELAYS_S[min(failures, len(RESTART_DELAYS_S) - 1)])
            failures = 0 if await self._restart() else failures + 1

    async def _restart(self) -> bool:
        try:
            await asyncio.to_thread(self._cluster.tidy)
            self._process = await self._launch()
        except (DatabaseUnavailable, OSError) as error:
            log.error("postgres.restart_failed", reason=str(error))
            return False
        self.restarts += 1
        log.warning("postgres.restarted", pid=self._process.pid, restarts=self.restarts)
        return True


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask for a fast shutdown, then insist."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAST_STOP_S):
                await process.wait()
