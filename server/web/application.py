"""Puts the page, the API, the socket and what stands around them into an aiohttp application."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from aiohttp import web

from ..settings import Settings
from .access import guarded
from .auth import TokenAuthority
from .keys import (
    AUTHORITY,
    LIMITS,
    METRICS,
    OPENAPI,
    REPORTS,
    ROOMS,
    SETTINGS,
    SOCKET,
    STATIC_DIR,
    STORE,
    ConsultationStore,
    Handler,
    ReportDesk,
    RoomDirectory,
)
from .limits import Limits
from .metrics import Metrics
from .middlewares import add_headers, contain_errors, count_requests
from .openapi import openapi_document
from .routes import API_ROUTES, ROUTES
from .static import DEFAULT_STATIC_DIR


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext:
    """What the web needs of the rest of the house. `socket` serves `GET /ws`."""

    settings: Settings
    store: ConsultationStore
    rooms: RoomDirectory
    reports: ReportDesk
    authority: TokenAuthority
    socket: Handler
    metrics: Metrics = field(default_factory=Metrics)
    limits: Limits = field(default_factory=Limits)
    static_dir: Path = DEFAULT_STATIC_DIR


def setup_web(app: web.Application, context: WebContext) -> None:
    """Add routes, middlewares and headers to `app`, and what handlers take from it."""
    app[SETTINGS] = context.settings
    app[STORE] = context.store
    app[ROOMS] = context.rooms
    app[REPORTS] = context.reports
    app[AUTHORITY] = context.authority
    app[SOCKET] = context.socket
    app[METRICS] = context.metrics
    app[LIMITS] = context.limits
    app[STATIC_DIR] = context.static_dir
    app[OPENAPI] = json.dumps(openapi_document(API_ROUTES, _version()), ensure_ascii=False).encode()
    app.middlewares.extend((count_requests, contain_errors))
    app.on_response_prepare.append(add_headers)
    for route in ROUTES:
        handler = guarded(route.access, route.handler)
        app.router.add_route(route.method, route.path, handler)
        if route.method == "GET" and not route.is_socket:
            app.router.add_route("HEAD", route.path, handler)
    rooms = context.rooms
    context.metrics.gauge("escuta_live_consultations", "Consultations that are live.", lambda: len(rooms.live_ids()))


def _version() -> str:
    try:
        return version("escuta")
    except PackageNotFoundError:
        return "0"
