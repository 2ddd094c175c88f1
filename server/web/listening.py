"""Lets a browser's own player ask for recordings: it streams and seeks by itself, but can send no header."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from ..model.errors import DatabaseUnavailable, NotFound, Unauthorized
from .access import LISTENING_COOKIE
from .exchange import Speaks, json_response, speaks
from .keys import AUTHORITY, CLAIMS, SETTINGS, STORE
from .links import page_url
from .paths import consultation_id_of
from .resources import Listening

LISTENING_S = 3600


@speaks(Speaks(returns=Listening, raises=(NotFound, DatabaseUnavailable)))
async def allow_listening(request: web.Request) -> web.Response:
    """Let the calling browser read this consultation's recordings for an hour, by a cookie no script can read.

    The cookie goes to this consultation's recordings alone, and to no request that another site's page makes. What it
    holds opens nothing else, gets no other cookie, and ends with the token that asked.
    """
    consultation_id = consultation_id_of(request)
    claims, authority = request[CLAIMS], request.app[AUTHORITY]
    ttl_s = min(LISTENING_S, int((claims.expires_at - datetime.now(UTC)).total_seconds()))
    if ttl_s < 1:
        raise Unauthorized("The token has expired; ask for a new link.")
    if not await request.app[STORE].recordings(consultation_id):
        raise NotFound("There are no recordings of this consultation.")
    token = authority.issue(
        identity=claims.identity, name=claims.name, role="listener", consultation_id=consultation_id, ttl_s=ttl_s
    )
    response = json_response(Listening(expires_at=authority.verify(token).expires_at))
    response.set_cookie(
        LISTENING_COOKIE,
        token,
        path=f"/api/consultations/{consultation_id}/recordings/",
        max_age=ttl_s,
        httponly=True,
        samesite="Strict",
        secure=request.secure or page_url(request.app[SETTINGS]).startswith("https:"),
    )
    return response
