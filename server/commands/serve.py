"""`serve`: the page, the API and the calls on one port."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import json
import signal
import ssl
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from ..logs import configure_logs
from ..media.loop import new_event_loop
from ..media.native import native
from ..model.consultation import Consultation, Role
from ..model.errors import InvalidSettings
from ..settings import Settings, load_settings

if TYPE_CHECKING:
    from ..app import Parts

log = structlog.get_logger()

GARBAGE_THRESHOLDS = (2_000, 10, 10)
M_ARENA_MAX = -8

HELP = "Serve the page, the API and the calls; Ctrl-C ends calls cleanly and finalizes recordings."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--host", help="address to listen on (default: HOST, 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 lets the system choose (default: PORT, 8080)")
    parser.add_argument("--language", choices=("pt", "en", "auto"), help="language of the demo consultation")
    parser.add_argument("--no-demo", action="store_true", help="do not create a demo consultation")
    parser.add_argument("--json", action="store_true", help="print the address and the links as one JSON line")


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    named = {"host": arguments.host, "port": arguments.port, "default_language": arguments.language}
    settings = load_settings(**{name: value for name, value in named.items() if value is not None})
    configure_logs(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_serve(settings, demo=not arguments.no_demo, as_json=arguments.json))


async def _serve(settings: Settings, *, demo: bool, as_json: bool) -> int:
    from ..app import running

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with running(settings, _say) as parts, _listening(parts) as port:
        links = await _demo_links(parts, port) if demo else {}
        log.info("media.ready", compiled_helper=native() is not None)
        _spare_garbage_collection()
        _keep_memory_together()
        _announce(parts.settings, port, links, as_json=as_json)
        await stopping.wait()
        # A second Ctrl-C does not wait for recordings; the next start finishes them.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        live = len(parts.registry.live_ids())
        _say(f"Stopping: ending {live} consultation(s) and finalizing their recordings…" if live else "Stopping…")
        await parts.registry.end_all("server_stopped")
        await parts.signaling.close()
    _say("Stopped.")
    return 0


@asynccontextmanager
async def _listening(parts: Parts) -> AsyncIterator[int]:
    from aiohttp import web

    settings = parts.settings
    # Access logs name paths and statuses only; tokens travel in headers and in messages.
    runner = web.AppRunner(parts.web, access_log=None, handle_signals=False, shutdown_timeout=5.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port, ssl_context=_tls(settings))
        try:
            await site.start()
        except OSError as error:
            raise InvalidSettings(
                f"Port {settings.port} on {settings.host} cannot be used ({error.strerror or error}): "
                "stop what listens there, or choose another with --port."
            ) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise InvalidSettings(
            f"TLS_CERTIFICATE {settings.tls_certificate} and TLS_KEY {settings.tls_key} cannot be used: {error}."
        ) from error
    return context


async def _demo_links(parts: Parts, port: int) -> dict[Role, str]:
    from ..web.links import join_link

    language = parts.settings.default_language
    consultation = Consultation(
        id=str(uuid.uuid4()),
        title="Consulta de demonstração" if language == "pt" else "Demo consultation",
        language=language,
        agent_id="default",
        created_at=datetime.now(UTC),
    )
    await parts.store.create_consultation(consultation)
    names = {Role.CLINICIAN: "Dra. Ana", Role.PATIENT: "Maria"}
    return {
        role: join_link(
            parts.settings,
            parts.authority.issue(
                role=role.value, identity=f"demo-{role.value}", name=name, consultation_id=consultation.id
            ),
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


def _spare_garbage_collection() -> None:
    """Leave what every consultation shares out of garbage collection: walking it all takes as long as five packets.

    What comes later is collected as ever, its young part less often than by default: packets make no cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def _keep_memory_together() -> None:
    """Have all threads share glibc's heap: each that comes and goes would leave one of its own, half empty, behind."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
