"""Agents: what listens, as records the owner edits."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from ..insight.drafting import templates
from ..insight.languages import LANGUAGES
from ..insight.sources.file import sources
from ..model.consultation import Agent
from ..model.errors import Conflict, DatabaseUnavailable, NotFound
from ..settings import Settings
from ..speech.providers import ELSEWHERE, provider_exists
from .exchange import Speaks, json_response, read_body, speaks
from .keys import SETTINGS, STORE
from .paths import agent_id_of
from .resources import AgentList, AgentSettings


@speaks(Speaks(returns=AgentList, raises=(DatabaseUnavailable,)))
async def list_agents(request: web.Request) -> web.Response:
    """List all agents."""
    return json_response(AgentList(agents=tuple(await request.app[STORE].agents())))


@speaks(Speaks(returns=Agent, raises=(NotFound, DatabaseUnavailable)))
async def read_agent(request: web.Request) -> web.Response:
    """Read one agent."""
    return json_response(await request.app[STORE].agent(agent_id_of(request)))


@speaks(Speaks(body=AgentSettings, returns=Agent, raises=(NotFound, Conflict, DatabaseUnavailable)))
async def save_agent(request: web.Request) -> web.Response:
    """Create an agent or replace its settings."""
    agent_id = agent_id_of(request)
    wish = await read_body(request, AgentSettings)
    _check_speech_provider(wish.speech_provider, request.app[SETTINGS])
    _check_sources(wish.sources, request.app[SETTINGS])
    _check_report_template(wish.report_template)
    agent = Agent(id=agent_id, **wish.model_dump())
    await request.app[STORE].save_agent(agent)
    return json_response(agent)


def _check_sources(names: Sequence[str], settings: Settings) -> None:
    """Accept sources of the server's own file. What may be asked, and where, that file says, never a record."""
    if missing := set(names) - set(sources(settings.context_sources)):
        raise Conflict(f"There is no context source {', '.join(sorted(missing))}: see CONTEXT_SOURCES on the server.")


def _check_speech_provider(name: str | None, settings: Settings) -> None:
    """Accept a provider that can be used here. Where voices may go, the environment says, never a record."""
    if name is None:
        return
    if not provider_exists(name):
        raise Conflict(
            f"speech_provider {name!r} is not here: use faster_whisper, openai_compatible, openai_realtime or null."
        )
    if name in ELSEWHERE and not settings.speech_base_url:
        raise Conflict(f"speech_provider {name} needs SPEECH_BASE_URL in the server's environment.")


def _check_report_template(name: str) -> None:
    """Accept a template that every language has."""
    if not all(name in templates.names(language) for language in LANGUAGES):
        raise Conflict(f"report_template {name!r} is not here: use {', '.join(templates.names(LANGUAGES[0]))}.")
