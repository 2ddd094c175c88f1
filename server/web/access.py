"""Who may call a route, and the check that every route passes through."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from aiohttp import web

from ..model.errors import Forbidden, TooFrequent, Unauthorized
from .auth import Claims, TokenRole, bearer_token
from .keys import AUTHORITY, CLAIMS, LIMITS, Handler

LISTENING_COOKIE = "escuta_listening"
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


@dataclass(frozen=True, slots=True)
class Access:
    """The roles that may call; none means anyone. `loopback` lets callers on this machine in without a token.

    A clinician's or patient's token opens the consultation it names and no other. Where `listening`, the token may
    come in the cookie of that name: what a browser's own player asks for carries no other header.
    """

    roles: frozenset[TokenRole] = frozenset()
    loopback: bool = False
    listening: bool = False


ANYONE = Access()
SERVICE = Access(frozenset({"service"}))
SERVICE_OR_LOOPBACK = Access(frozenset({"service"}), loopback=True)
SERVICE_OR_CLINICIAN = Access(frozenset({"service", "clinician"}))
LISTENER = Access(frozenset({"service", "clinician", "listener"}), listening=True)
SERVICE_OR_PARTICIPANT = Access(frozenset({"service", "clinician", "patient"}))


def guarded(access: Access, handler: Handler) -> Handler:
    """Return `handler` behind the check of `access` and the limit on how often one may call.

    The handler finds who calls in `request[CLAIMS]`.
    """

    async def check_then_handle(request: web.Request) -> web.StreamResponse:
        if access.roles and not (access.loopback and from_this_machine(request)):
            request[CLAIMS] = _admit(request, access)
        return await handler(request)

    return check_then_handle


def _admit(request: web.Request, access: Access) -> Claims:
    limits = request.app[LIMITS]
    try:
        claims = request.app[AUTHORITY].verify(_token(request, access))
    except Unauthorized:
        # Only failures are counted by address: people behind one address don't lock each other out.
        if not limits.failures.spend(request.remote or ""):
            raise TooFrequent from None
        raise
    limit = limits.service if claims.role == "service" else limits.participants
    if not limit.spend(f"{claims.role}:{claims.consultation_id}:{claims.identity}"):
        raise TooFrequent
    if claims.role not in access.roles:
        raise Forbidden
    # Before any look into the store, so that a foreign token cannot tell whether a consultation exists.
    if claims.role != "service" and claims.consultation_id != request.match_info.get("consultation_id"):
        raise Forbidden
    return claims


def _token(request: web.Request, access: Access) -> str:
    authorization = request.headers.get("Authorization")
    if access.listening and authorization is None and LISTENING_COOKIE in request.cookies:
        return request.cookies[LISTENING_COOKIE]
    return bearer_token(authorization)


def from_this_machine(request: web.Request) -> bool:
    """Return whether the caller is on this machine. What a proxy on it passes on comes from elsewhere."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        address = ipaddress.ip_address((request.remote or "").partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
