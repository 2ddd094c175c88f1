"""What an agent is told beforehand of a consultation, and the log of each time that advice was asked for."""

from __future__ import annotations

from aiohttp import web
from pydantic import Field

from ..model.advice_events import Interaction
from ..model.consultation import Frozen
from ..model.errors import DatabaseUnavailable, NotFound
from .exchange import Speaks, json_response, read_body, speaks
from .keys import STORE, settled_store
from .paths import consultation_id_of
from .resources import MarkedTip, Prose

MAX_CONTEXT = 8000


class Context(Frozen):
    """What the agent shall know before the first word; the patient never reads it. Counts when the room opens."""

    context: Prose = Field(max_length=MAX_CONTEXT)


class LoggedInteraction(Frozen):
    """An interaction, when it ended, and what came of it: the tips with their evidence and what the clinician did."""

    at_s: float
    interaction: Interaction
    tips: tuple[MarkedTip, ...]


class InteractionLog(Frozen):
    """Every time that advice was asked for, oldest first."""

    consultation_id: str
    entries: tuple[LoggedInteraction, ...]


@speaks(Speaks(returns=Context, raises=(NotFound, DatabaseUnavailable)))
async def read_context(request: web.Request) -> web.Response:
    """Read what the agent is told beforehand; empty if nothing."""
    consultation_id = consultation_id_of(request)
    store = request.app[STORE]
    await store.consultation(consultation_id)
    return json_response(Context(context=await store.context(consultation_id)))


@speaks(Speaks(body=Context, returns=Context, raises=(NotFound, DatabaseUnavailable)))
async def save_context(request: web.Request) -> web.Response:
    """Tell the agent something beforehand, instead of what it was told until now."""
    consultation_id = consultation_id_of(request)
    store = request.app[STORE]
    await store.consultation(consultation_id)
    wish = await read_body(request, Context)
    await store.save_context(consultation_id, wish.context)
    return json_response(wish)


@speaks(Speaks(returns=InteractionLog, raises=(NotFound, DatabaseUnavailable)))
async def list_interactions(request: web.Request) -> web.Response:
    """List who was asked for advice, at what cost, on what grounds, what came of it and what the clinician did."""
    consultation_id = consultation_id_of(request)
    store = await settled_store(request)
    await store.consultation(consultation_id)
    tips = {
        one.tip.id: MarkedTip(tip=one.tip, mark=one.mark, released_at_s=one.released_at_s)
        for one in await store.tips(consultation_id)
    }
    entries = tuple(
        LoggedInteraction(
            at_s=one.at_s,
            interaction=one.interaction,
            tips=tuple(tips[tip_id] for tip_id in one.interaction.tip_ids if tip_id in tips),
        )
        for one in await store.interactions(consultation_id)
    )
    return json_response(InteractionLog(consultation_id=consultation_id, entries=entries))
