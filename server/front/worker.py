"""One worker: a whole server behind a Unix socket, for the consultations it owns. Started by the front.

It reads its orders from standard input, says on standard output that it is ready or why it cannot be, and ends, with
its calls, when the front tells it to (SIGTERM) or is gone (the end of the input).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from ..app import Place, running
from ..child import take_output
from ..logs import configure_logs
from ..media.loop import new_event_loop
from ..media.memory import settle_memory
from ..model.errors import EscutaError
from ..settings import Settings, load_settings
from ..storage.left_spools import spool_dir
from .affinity import owner
from .carried import as_it_came
from .orders import Orders

log = structlog.get_logger()


async def serve(orders: Orders, settings: Settings, say: Callable[..., None]) -> None:
    """Serve until told to stop; everything is in order afterwards. `say` tells the front."""
    stopping, front_gone = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.set)
    loop.add_reader(0, _on_input, stopping, front_gone)
    place = Place(
        database_url=orders.database_url,
        spool_dir=spool_dir(settings.data_dir, orders.worker),
        speech_socket=Path(orders.speech_socket),
        owns=lambda consultation_id: owner(consultation_id, orders.workers) == orders.worker,
    )
    async with running(settings, place=place) as parts:
        from aiohttp import web

        parts.web.middlewares.insert(0, as_it_came)
        runner = web.AppRunner(parts.web, access_log=None, handle_signals=False, shutdown_timeout=5.0)
        await runner.setup()
        try:
            await web.UnixSite(runner, orders.socket).start()
            settle_memory()
            say(ready=True)
            await stopping.wait()
            if front_gone.is_set():
                await parts.speech.aclose()  # its process ended with the front: nobody says the last words
            await parts.registry.end_all("server_stopped")
            await parts.signaling.close()
        finally:
            await runner.cleanup()


def _on_input(stopping: asyncio.Event, front_gone: asyncio.Event) -> None:
    if not os.read(0, 1024):
        log.warning("worker.front_gone")
        front_gone.set()
        stopping.set()
        asyncio.get_running_loop().remove_reader(0)


def main() -> int:
    """Run one worker; the front decides when it ends, not the terminal."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    line = sys.stdin.buffer.readline()
    if not line:
        return 0
    orders = Orders(**json.loads(line))
    answers = take_output()

    def say(**what: object) -> None:
        with suppress(BrokenPipeError):  # the front is gone, which the input tells as well
            os.write(answers, json.dumps(what).encode() + b"\n")

    try:
        settings = load_settings(**orders.settings)
        configure_logs(settings.log_level, settings.log_format)
        structlog.contextvars.bind_contextvars(worker=orders.worker)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(serve(orders, settings, say))
    except EscutaError as error:
        say(failed=str(error))
        return 3
    return 0
