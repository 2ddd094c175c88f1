"""The process that people reach when there are several workers. It holds what they share and passes requests on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web

from ..groundwork import lay_groundwork
from ..model.consultation import Language
from ..model.errors import Unavailable
from ..settings import Settings
from ..speech.service import SpeechService
from ..speech.ways import OwnProcess
from ..storage.choose import database_url
from ..storage.left_spools import holding
from ..web.auth import TokenAuthority
from ..web.keys import METRICS, SETTINGS
from ..web.metrics import Metrics
from ..web.middlewares import add_headers, contain_errors
from ..web.site import listening
from .gather import Gathering
from .orders import Orders
from .pass_on import ORIGIN, asked_about, pass_on
from .relay import Relay
from .sockets import listening_socket, socket_folder
from .workers import Workers

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Front:
    """The running front."""

    settings: Settings
    authority: TokenAuthority
    workers: Workers
    port: int

    async def create_consultation(self, title: str, language: Language) -> str:
        """Have a consultation created; return its id.

        Raises:
            Unavailable: If no worker does.
        """
        token = self.authority.issue(identity="front", name="front", role="service")
        session = await self.workers.any("front").session()
        try:
            async with session.post(
                f"{ORIGIN}/api/consultations",
                json={"title": title, "language": language},
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                raise_for_status=True,
            ) as answer:
                return str((await answer.json())["id"])
        except aiohttp.ClientError as error:
            raise Unavailable(f"The consultation could not be created: {error}") from error


@asynccontextmanager
async def running_front(settings: Settings, say: Callable[[str], None] = lambda _: None) -> AsyncIterator[Front]:
    """Listen, start what the workers share, then the workers; leaving ends every call and everything in turn.

    `say` gets a line of progress for people.

    Raises:
        EscutaError: If a part cannot start; the message says which and what to do.
    """
    authority = lay_groundwork(settings)
    workers = Workers(settings.workers)
    async with AsyncExitStack() as stack:
        application = front_application(workers, settings)
        # First, so that a port in use is noticed before anything starts, and the workers know its number.
        port = await stack.enter_async_context(listening(application, settings, decompress=False))
        settings = settings.model_copy(update={"port": port})
        say("Starting the database…")
        url = await database_url(settings, stack, settings.workers)
        await stack.enter_async_context(holding(url, settings.data_dir))
        folder = stack.enter_context(socket_folder(settings.data_dir))
        say("Loading the speech model in the background…")
        await stack.enter_async_context(_speech_process(settings, folder / "speech"))
        say(f"Starting {settings.workers} workers…")

        def orders(number: int) -> Orders:
            return Orders.of(
                settings,
                worker=number,
                workers=settings.workers,
                socket=str(folder / f"worker-{number}"),
                speech_socket=str(folder / "speech"),
                database_url=url,
            )

        await stack.enter_async_context(workers.running(orders))
        yield Front(settings, authority, workers, port)


@asynccontextmanager
async def _speech_process(settings: Settings, path: Path) -> AsyncIterator[None]:
    """One process with one model for all workers; they wait in the socket's queue while it starts."""
    with listening_socket(path) as waiting:
        keeper = SpeechService(settings, OwnProcess(settings, waiting.fileno()))
        try:
            await keeper.start()
            yield
        finally:
            await keeper.aclose()


def front_application(workers: Workers, settings: Settings) -> web.Application:
    """Return the application that passes everything on to `workers`."""
    relay = Relay(workers, settings)
    metrics = Metrics()
    gathering = Gathering(workers, metrics)
    metrics.gauge("escuta_front_sockets", "Browsers connected to the front.", lambda: relay.open_sockets)

    async def pass_on_to_one(request: web.Request) -> web.StreamResponse:
        return await pass_on(request, asked_about(request, workers))

    application = web.Application(middlewares=(contain_errors,))
    application[METRICS] = metrics
    application[SETTINGS] = settings
    application.on_response_prepare.append(add_headers)
    application.router.add_route("GET", "/ws", relay.handle)
    application.router.add_get("/healthz", gathering.health, allow_head=False)
    application.router.add_get("/metrics", gathering.metrics, allow_head=False)
    application.router.add_route("*", "/{path:.*}", pass_on_to_one)
    return application
