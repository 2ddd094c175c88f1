"""Consultations: create, list, read, end, and hand out join tokens."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from aiohttp import web

from ..model.consultation import Consultation, ConsultationStatus
from ..model.errors import ConsultationOver, DatabaseUnavailable, NotFound
from ..model.events import EndReason
from ..speech.elsewhere import voices_go_to
from .exchange import Speaks, json_response, read_body, read_query, speaks
from .keys import AUTHORITY, CLAIMS, ROOMS, SETTINGS, STORE, settled_store
from .links import join_link
from .paths import consultation_id_of
from .resources import (
    ConsultationDetail,
    ConsultationList,
    ConsultationsQuery,
    EndedConsultation,
    IssuedToken,
    NewConsultation,
    NewToken,
)

DEFAULT_AGENT_ID = "default"


@speaks(Speaks(body=NewConsultation, returns=Consultation, status=201, raises=(NotFound, DatabaseUnavailable)))
async def create_consultation(request: web.Request) -> web.Response:
    """Create a consultation for an agent that exists."""
    wish = await read_body(request, NewConsultation)
    store = request.app[STORE]
    agent = await store.agent(wish.agent_id or DEFAULT_AGENT_ID)
    default = agent.language if wish.agent_id else request.app[SETTINGS].default_language
    consultation = Consultation(
        id=str(uuid.uuid4()),
        title=wish.title,
        language=wish.language or default,
        agent_id=agent.id,
        created_at=datetime.now(UTC),
    )
    await store.create_consultation(consultation)
    if wish.context:
        await store.save_context(consultation.id, wish.context)
    return json_response(consultation, status=201)


@speaks(Speaks(query=ConsultationsQuery, returns=ConsultationList, raises=(DatabaseUnavailable,)))
async def list_consultations(request: web.Request) -> web.Response:
    """List consultations, newest first, a page at a time."""
    query = read_query(request, ConsultationsQuery)
    before = query.before
    if before is not None and before.tzinfo is None:
        before = before.replace(tzinfo=UTC)
    found = tuple(await request.app[STORE].consultations(limit=query.limit, before=before))
    next_before = found[-1].created_at if len(found) == query.limit else None
    return json_response(ConsultationList(consultations=found, next_before=next_before))


@speaks(Speaks(returns=ConsultationDetail, raises=(NotFound, DatabaseUnavailable)))
async def read_consultation(request: web.Request) -> web.Response:
    """Read one consultation with its participants."""
    consultation_id = consultation_id_of(request)
    store = await settled_store(request)
    consultation = await store.consultation(consultation_id)
    settings, rooms = request.app[SETTINGS], request.app[ROOMS]
    provider = rooms.speech_provider(consultation_id)
    if provider is None:  # a live one keeps the agent that it began with
        agent = await store.agent(consultation.agent_id)
        provider = agent.speech_provider or settings.speech_provider
    detail = ConsultationDetail(
        **consultation.model_dump(),
        live=consultation_id in rooms.live_ids(),
        consent_mode=settings.consent,
        voices_go_to=voices_go_to(provider, settings),
        participants=tuple(await store.participants(consultation_id)),
    )
    return json_response(detail)


@speaks(Speaks(returns=EndedConsultation, raises=(NotFound, DatabaseUnavailable)))
async def end_consultation(request: web.Request) -> web.Response:
    """End a consultation for both; ending one that is over changes nothing."""
    consultation_id = consultation_id_of(request)
    by_clinician = request[CLAIMS].role == "clinician"
    reason: EndReason = "ended_by_clinician" if by_clinician else "ended_by_api"
    # A live call can be ended while the database is away.
    await request.app[ROOMS].end(consultation_id, reason)
    await settled_store(request)
    return json_response(EndedConsultation(id=consultation_id))


@speaks(
    Speaks(body=NewToken, returns=IssuedToken, status=201, raises=(NotFound, ConsultationOver, DatabaseUnavailable))
)
async def issue_token(request: web.Request) -> web.Response:
    """Issue a join token and link for one seat of a consultation that is not over."""
    consultation_id = consultation_id_of(request)
    wish = await read_body(request, NewToken)
    consultation = await request.app[STORE].consultation(consultation_id)
    if consultation.status is ConsultationStatus.ENDED:
        raise ConsultationOver("This consultation has ended; create another one to meet again.")
    authority = request.app[AUTHORITY]
    token = authority.issue(
        identity=wish.identity,
        name=wish.name,
        role=wish.role.value,
        consultation_id=consultation_id,
        ttl_s=wish.ttl_s,
    )
    link = join_link(request.app[SETTINGS], token)
    return json_response(IssuedToken(token=token, link=link, expires_at=authority.verify(token).expires_at), status=201)
