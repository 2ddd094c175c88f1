"""Agents: what listens, as records the owner edits."""

from __future__ import annotations

from aiohttp import web

from ..model.consultation import Agent
from ..model.errors import DatabaseUnavailable, NotFound
from .exchange import Speaks, json_response, read_body, speaks
from .keys import STORE
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


@speaks(Speaks(body=AgentSettings, returns=Agent, raises=(NotFound, DatabaseUnavailable)))
async def save_agent(request: web.Request) -> web.Response:
    """Create an agent or replace its settings."""
    agent_id = agent_id_of(request)
    wish = await read_body(request, AgentSettings)
    agent = Agent(id=agent_id, **wish.model_dump())
    await request.app[STORE].save_agent(agent)
    return json_response(agent)
