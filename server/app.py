"""Composition root: the only place that knows every part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from .groundwork import lay_groundwork
from .insight.advisor import Advisor
from .insight.create import create_chat_model, create_generator
from .insight.drafting.notebook import Notebook
from .insight.entity_service import EntityService
from .insight.giving import AdvisorOptions
from .insight.listener import AdviceListener
from .insight.sources.look_up import look_up_in
from .live.create import create_live_store
from .media.ice import ice_settings
from .media.peer import Peer, PeerListener
from .model.clock import RoomClock
from .model.consultation import Agent, Language
from .recording.disk import free_mb
from .recording.finalize import finalize
from .recording.recorder import Recorder
from .recording.recover import finished, recover, unfinished
from .rooms.registry import Registry
from .rooms.reports import Reports
from .rooms.second_passes import Readers, SecondPasses
from .rooms.services import Recording, RoomServices
from .settings import Settings
from .speech.second_pass import read_again
from .speech.service import SpeechService
from .speech.ways import SharedProcess
from .storage.choose import database_url
from .storage.left_spools import apply_left, spool_dir
from .storage.store import Store
from .web.application import WebContext, setup_web
from .web.auth import TokenAuthority
from .web.figures import watch_entities, watch_parts, watch_second_passes
from .web.signaling import Signaling


@dataclass(frozen=True, slots=True)
class Parts:
    """The running parts of one server."""

    settings: Settings
    store: Store
    registry: Registry
    speech: SpeechService
    authority: TokenAuthority
    signaling: Signaling
    web: web.Application


@dataclass(frozen=True, slots=True)
class Place:
    """One of several servers behind one port: what it owns, and what it shares with the others."""

    database_url: str
    spool_dir: Path
    speech_socket: Path
    owns: Callable[[str], bool]


@asynccontextmanager
async def running(
    settings: Settings, say: Callable[[str], None] = lambda _: None, place: Place | None = None
) -> AsyncIterator[Parts]:
    """Start every part in order; leaving ends every consultation and puts its papers in order first.

    `say` gets a line of progress for people; without a `place` this is the only server of its data.

    Raises:
        EscutaError: If a part cannot start; the message says which and what to do.
    """
    authority = lay_groundwork(settings)
    async with AsyncExitStack() as stack:
        say("Starting the database…")
        store = await (_only_store(settings, stack) if place is None else _shared_store(place))
        stack.push_async_callback(store.aclose)
        live = create_live_store(settings)
        stack.push_async_callback(live.aclose)
        speech = SpeechService(settings, None if place is None else SharedProcess(place.speech_socket))
        stack.push_async_callback(speech.aclose)
        say("Loading the speech model in the background…")
        await speech.start()
        entities = EntityService(settings)
        entities.prepare()
        reports = await stack.enter_async_context(
            Reports(store, lambda agent: Notebook(create_chat_model(settings, agent)), settings.recordings_dir)
        )
        services = RoomServices(
            settings=settings,
            store=store,
            live=live,
            speech=speech,
            recording=Recording(
                create=_create_recorder,
                finalize=finalize,
                recover=recover,
                unfinished=unfinished,
                finished=finished,
                free_mb=free_mb,
            ),
            create_peer=_peer_factory(settings),
            create_annotator=entities.annotator,
            create_advisor=_advisor_factory(settings),
            look_up=look_up_in(settings.context_sources),
            reports=reports,
            owns=_owns_all if place is None else place.owns,
        )
        registry = await stack.enter_async_context(Registry(services))
        await registry.resume()
        readers = Readers(read_again, entities.of)
        again = SecondPasses(settings, store, readers, lambda: bool(registry.rooms()), services.owns)
        if settings.second_pass:
            await stack.enter_async_context(again)
        application = web.Application()
        signaling = Signaling(registry, authority, settings)
        context = WebContext(
            settings=settings,
            store=store,
            rooms=registry,
            authority=authority,
            socket=signaling.handle,
            reports=reports,
        )
        setup_web(application, context)
        watch_parts(context.metrics, registry, store, speech, signaling)
        watch_second_passes(context.metrics, again.figures)
        watch_entities(context.metrics, entities.figures)
        yield Parts(
            settings=settings,
            store=store,
            registry=registry,
            speech=speech,
            authority=authority,
            signaling=signaling,
            web=application,
        )


async def _only_store(settings: Settings, stack: AsyncExitStack) -> Store:
    url = await database_url(settings, stack)
    folder = spool_dir(settings.data_dir)
    # Workers of an earlier start may have left writes.
    await apply_left(url, settings.data_dir, but=folder)
    return await Store.open(url, folder)


async def _shared_store(place: Place) -> Store:
    return await Store.open(place.database_url, place.spool_dir, place.owns)


def _owns_all(_: str) -> bool:
    return True


def _create_recorder(folder: Path, clock: RoomClock, on_failure: Callable[[str], None]) -> Recorder:
    return Recorder(folder, clock, on_failure=on_failure)


def _peer_factory(settings: Settings) -> Callable[[PeerListener, Callable[[], float]], Peer]:
    ice = ice_settings(settings)

    def create(listener: PeerListener, now_s: Callable[[], float]) -> Peer:
        return Peer(ice=ice, now_s=now_s, listener=listener)

    return create


def _advisor_factory(settings: Settings) -> Callable[[Agent, Language, AdviceListener], Advisor]:
    def create(agent: Agent, language: Language, listener: AdviceListener) -> Advisor:
        generator, fallback = create_generator(settings, agent)
        options = AdvisorOptions(
            generator=generator,
            fallback=fallback,
            agent=agent,
            language=language,
            timeout_s=settings.llm_timeout_s,
        )
        return Advisor(options, listener)

    return create
