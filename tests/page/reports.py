"""The real reports behind the page's stub, over the canned call and a shelf in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiohttp import web

from server.insight.drafting.notebook import Notebook
from server.model.consultation import Agent, Consultation, ConsultationStatus, Participant
from server.model.events import Event
from server.model.recording_events import RecordingFile
from server.model.transcript import Utterance
from server.rooms.reports import Reports
from server.settings import Settings
from server.web import keys
from server.web.access import guarded
from server.web.auth import TokenAuthority
from server.web.limits import Limits
from server.web.metrics import Metrics
from server.web.middlewares import contain_errors
from server.web.routes import API_ROUTES
from tests.shelf import FakeShelf

from . import canned


class Archive:
    """The canned call as the store has it."""

    state = ("ok", "")

    def __init__(self, shelf: FakeShelf) -> None:
        self.reports = shelf

    async def consultation(self, consultation_id: str) -> Consultation:
        return canned.consultation().model_copy(update={"status": ConsultationStatus.ENDED})

    async def agent(self, agent_id: str) -> Agent:
        return Agent(id=agent_id, name="Escuta")

    async def utterances(self, consultation_id: str, edition: str) -> Sequence[Utterance]:
        return [canned.final(number).utterance for number in range(len(canned.LINES))]

    async def second_pass(self, consultation_id: str) -> str:
        return "none"

    async def recordings(self, consultation_id: str) -> Sequence[RecordingFile]:
        return ()

    async def participants(self, consultation_id: str) -> Sequence[Participant]:
        return [Participant(role=role, identity=role.value, name=name) for role, name in canned.NAMES.items()]

    async def settled(self, timeout_s: float) -> bool:
        return True

    def record(self, consultation_id: str, event: Event) -> None:
        pass


async def serve_reports(app: web.Application, shelf: FakeShelf, authority: TokenAuthority) -> Reports:
    """Add the report's own routes to `app`; the caller enters what is returned."""
    archive: Any = Archive(shelf)
    desk = Reports(archive, lambda _: Notebook(), Path("/nonexistent"))
    app[keys.STORE] = archive
    app[keys.REPORTS] = desk
    app[keys.ROOMS] = SimpleNamespace(live_ids=list, recording_state=lambda _: None)  # type: ignore[assignment]
    app[keys.AUTHORITY] = authority
    app[keys.LIMITS] = Limits()
    app[keys.METRICS] = Metrics()
    app[keys.SETTINGS] = Settings(_env_file=None)
    app.middlewares.append(contain_errors)
    for route in API_ROUTES:
        if "/report" in route.path:
            path = route.path.replace("{consultation_id}", "{consultation_id:" + canned.ID + "}")
            app.router.add_route(route.method, path, guarded(route.access, route.handler))
    return desk
