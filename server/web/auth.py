"""Who calls: tokens (JWT, HS256) made and read with the API credential."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

import jwt
from pydantic import StringConstraints, TypeAdapter, ValidationError

from ..model.consultation import ConsultationId, Identity, PersonName
from ..model.errors import InvalidSettings, Unauthorized

TokenRole = Literal["clinician", "patient", "service", "listener"]
"""`listener`: made by this server alone, for a browser that plays one consultation's recordings."""
ALGORITHM = "HS256"
LEEWAY_S = 10
MAX_TOKEN_CHARS = 4096
MIN_SECRET_CHARS = 32

# Neither a log line nor PostgreSQL takes control characters well.
_one_line = StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$")
_identity: TypeAdapter[str] = TypeAdapter(Annotated[Identity, _one_line])
_name: TypeAdapter[str] = TypeAdapter(Annotated[PersonName, _one_line])
_consultation_id: TypeAdapter[str] = TypeAdapter(ConsultationId)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says. `consultation_id` is None for `service` alone."""

    issuer: str
    identity: str
    name: str
    role: TokenRole
    consultation_id: str | None
    expires_at: datetime


class TokenAuthority:
    """Makes and verifies tokens with one API credential.

    An owner's own backend that holds key and secret may sign tokens itself: `iss` is the key, `sub` the
    identity, `name`, `role`, `consultation` (clinician and patient only), `nbf` and `exp`.

    Raises:
        InvalidSettings: If the secret is too short to sign with.
    """

    def __init__(self, api_key: str, api_secret: str, ttl_s: int, *, now_s: Callable[[], float] = time.time) -> None:
        if len(api_secret) < MIN_SECRET_CHARS:
            raise InvalidSettings(
                f"API_SECRET is shorter than {MIN_SECRET_CHARS} characters: set a longer one (openssl rand -hex 32)."
            )
        self._api_key = api_key
        self._api_secret = api_secret
        self._ttl_s = ttl_s
        self._now_s = now_s

    def issue(
        self,
        *,
        identity: str,
        name: str,
        role: TokenRole,
        consultation_id: str | None = None,
        ttl_s: int | None = None,
    ) -> str:
        """Return a signed token, valid from now for `ttl_s` (the authority's own by default)."""
        now = int(self._now_s())
        payload: dict[str, Any] = {
            "iss": self._api_key,
            "sub": identity,
            "name": name,
            "role": role,
            "nbf": now,
            "exp": now + (self._ttl_s if ttl_s is None else ttl_s),
        }
        if consultation_id is not None:
            payload["consultation"] = consultation_id
        return jwt.encode(payload, self._api_secret, algorithm=ALGORITHM)

    def verify(self, token: str) -> Claims:
        """Return what `token` says.

        Raises:
            Unauthorized: If it is malformed, not signed with this secret and HS256, of another issuer,
                not yet or no longer valid (10 s leeway), or lacks a claim.
        """
        payload = self._decode(token)
        try:
            return self._claims(payload)
        except (ValidationError, ValueError, OverflowError, KeyError, TypeError, OSError) as error:
            raise Unauthorized("The token lacks a claim or has one that cannot be used; ask for a new one.") from error

    def _decode(self, token: str) -> Mapping[str, Any]:
        if not token or len(token) > MAX_TOKEN_CHARS:
            raise Unauthorized
        try:
            return jwt.decode(
                token,
                self._api_secret,
                algorithms=[ALGORITHM],
                issuer=self._api_key,
                # Times are judged in _claims, on this authority's own clock.
                options={
                    "require": ["iss", "sub", "name", "role", "nbf", "exp"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        # An attacker chooses the header: deep nesting or lone surrogates in it are not PyJWT's errors.
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError) as error:
            raise Unauthorized from error

    def _claims(self, payload: Mapping[str, Any]) -> Claims:
        now = self._now_s()
        if not float(payload["nbf"]) <= now + LEEWAY_S:
            raise Unauthorized("The token is not valid yet; check the clock of the machine that made it.")
        if not float(payload["exp"]) > now - LEEWAY_S:
            raise Unauthorized("The token has expired; ask for a new link.")
        role = payload["role"]
        if role not in get_args(TokenRole):
            raise Unauthorized("The token's role is none of clinician, patient and service; ask for a new one.")
        consultation_id = payload.get("consultation")
        if role != "service":
            consultation_id = _consultation_id.validate_python(consultation_id, strict=True)
        elif consultation_id is not None:
            raise Unauthorized("A service token names no consultation; ask for a new one.")
        return Claims(
            issuer=payload["iss"],
            identity=_identity.validate_python(payload["sub"], strict=True),
            name=_name.validate_python(payload["name"], strict=True),
            role=role,
            consultation_id=consultation_id,
            expires_at=datetime.fromtimestamp(float(payload["exp"]), UTC),
        )


def bearer_token(authorization: str | None) -> str:
    """Return the token of an `Authorization: Bearer …` header.

    Raises:
        Unauthorized: If there is none.
    """
    scheme, _, token = (authorization or "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("This needs a token: send it as 'Authorization: Bearer TOKEN'.")
    return token.strip()
