"""`serve`: the page, the API and the calls on one port."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from ..logs import configure_logs
from ..media.loop import new_event_loop
from ..media.memory import settle_memory
from ..media.native import native
from ..model.consultation import Consultation, Language, Role
from ..settings import Settings, load_settings
from .open_files import allow_many

if TYPE_CHECKING:
    from ..web.auth import TokenAuthority

    Create = Callable[[str, Language], Awaitable[str]]
    Serving = tuple[TokenAuthority, Create, int]

log = structlog.get_logger()


HELP = "Serve the page, the API and the calls; Ctrl-C ends calls cleanly and finalizes recordings."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--host", help="address to listen on (default: HOST, 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 lets the system choose (default: PORT, 8080)")
    parser.add_argument("--language", choices=("pt", "en", "auto"), help="language of the demo consultation")
    parser.add_argument("--no-demo", action="store_true", help="do not create a demo consultation")
    parser.add_argument("--json", action="store_true", help="print the address and the links as one JSON line")
    parser.add_argument("--workers", type=int, help="media processes, one per core (default: WORKERS, 1)")


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    named = {"host": arguments.host, "port": arguments.port, "default_language": arguments.language}
    named["workers"] = arguments.workers
    settings = load_settings(**{name: value for name, value in named.items() if value is not None})
    configure_logs(settings.log_level, settings.log_format)
    allow_many()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_serve(settings, demo=not arguments.no_demo, as_json=arguments.json))


async def _serve(settings: Settings, *, demo: bool, as_json: bool) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    start = _alone if settings.workers == 1 else _with_workers
    async with start(settings) as (authority, create, port):
        links = await _demo_links(settings, authority, create, port) if demo else {}
        log.info("media.ready", compiled_helper=native() is not None)
        _announce(settings, port, links, as_json=as_json)
        await stopping.wait()
        # A second Ctrl-C does not wait for recordings; the next start finishes them.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    _say("Stopped.")
    return 0


@asynccontextmanager
async def _alone(settings: Settings) -> AsyncIterator[Serving]:
    """Serve from this process; leaving ends the calls."""
    from ..app import running
    from ..web.site import listening

    async with running(settings, _say) as parts, listening(parts.web, settings) as port:

        async def create(title: str, language: Language) -> str:
            consultation = Consultation(
                id=str(uuid.uuid4()), title=title, language=language, agent_id="default", created_at=datetime.now(UTC)
            )
            await parts.store.create_consultation(consultation)
            return consultation.id

        settle_memory()
        yield parts.authority, create, port
        live = len(parts.registry.live_ids())
        _say(f"Stopping: ending {live} consultation(s) and finalizing their recordings…" if live else "Stopping…")
        await parts.registry.end_all("server_stopped")
        await parts.signaling.close()


@asynccontextmanager
async def _with_workers(settings: Settings) -> AsyncIterator[Serving]:
    """Serve from worker processes; leaving ends the calls."""
    from ..front.front import running_front

    async with running_front(settings, _say) as front:
        yield front.authority, front.create_consultation, front.port
        _say("Stopping: ending the consultations and finalizing their recordings…")


async def _demo_links(settings: Settings, authority: TokenAuthority, create: Create, port: int) -> dict[Role, str]:
    from ..web.links import join_link

    language = settings.default_language
    title = "Consulta de demonstração" if language == "pt" else "Demo consultation"
    consultation_id = await create(title, language)
    names = {Role.CLINICIAN: "Dra. Ana", Role.PATIENT: "Maria"}
    return {
        role: join_link(
            settings,
            authority.issue(role=role.value, identity=f"demo-{role.value}", name=name, consultation_id=consultation_id),
            port,
        )
        for role, name in names.items()
    }


def _announce(settings: Settings, port: int, links: dict[Role, str], *, as_json: bool) -> None:
    from ..web.links import page_url

    address = page_url(settings, port)
    if as_json:
        print(json.dumps({"address": address, "links": {role.value: link for role, link in links.items()}}), flush=True)
        return
    print(f"\nEscuta is listening at {address}\n", flush=True)
    if links:
        print("A demo consultation is waiting. Open one link in each of two browser windows:\n")
        print(f"  clinician  {links[Role.CLINICIAN]}\n")
        print(f"  patient    {links[Role.PATIENT]}\n")
    print("Ctrl-C ends the calls and finalizes their recordings.", flush=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
