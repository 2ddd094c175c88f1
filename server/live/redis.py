"""Presence and recent events in Redis: what another node, or this one restarted, can go on from."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast

from pydantic_core import PydanticSerializationError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from ..model.consultation import Role
from ..model.errors import InvalidSettings, Unavailable
from ..model.events import Event, event_adapter
from .port import REPLAY_LIMIT, Presence

TIMEOUT_S = 1.0
TTL_S = 24 * 3600
"""What nobody forgot is gone a day after its last change."""

FIELD = "event"
Entries = list[tuple[str, dict[str, str]]]


class RedisLiveStore:
    """A `LiveStore` in Redis: one stream and one hash per consultation, under `prefix`.

    Every method raises Unavailable if Redis does not answer within about two seconds.

    Raises:
        InvalidSettings: If `url` is not one of Redis.
    """

    def __init__(self, url: str, prefix: str = "escuta", timeout_s: float = TIMEOUT_S) -> None:
        self._prefix = prefix
        try:
            self._redis = Redis.from_url(
                url,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                decode_responses=True,
                # Once more at once: a pooled connection may have died unnoticed. A silent server is not asked twice.
                retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
            )
        except ValueError:
            # The library's message may repeat the password.
            raise InvalidSettings("REDIS_URL cannot be read: write it as redis://[:password@]host:6379/0.") from None

    async def append(self, consultation_id: str, sequence: int, event: Event) -> None:
        """Keep `event`; a sequence not above the newest kept is a repetition and changes nothing."""
        key = self._events(consultation_id)
        async with self._answering(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xadd(key, {FIELD: _dump(event)}, id=f"{sequence}-0", maxlen=REPLAY_LIMIT, approximate=False)
            pipeline.expire(key, TTL_S)
            try:
                await pipeline.execute()
            except ResponseError as error:
                if "equal or smaller" not in str(error):
                    raise

    async def since(self, consultation_id: str, sequence: int) -> Sequence[tuple[int, Event]]:
        """Return the kept events after `sequence`, oldest first."""
        async with self._answering():
            answer = await self._redis.xrange(self._events(consultation_id), min=f"{sequence + 1}-0")
        entries = cast(Entries, answer)
        return [(_sequence(entry_id), event_adapter.validate_json(fields[FIELD])) for entry_id, fields in entries]

    async def last_sequence(self, consultation_id: str) -> int:
        """Return the newest sequence kept, 0 if none."""
        async with self._answering():
            entries = cast(Entries, await self._redis.xrevrange(self._events(consultation_id), count=1))
        return _sequence(entries[0][0]) if entries else 0

    async def set_presence(self, consultation_id: str, role: Role, presence: Presence | None) -> None:
        """Say who sits in a seat; None empties it."""
        key = self._seats(consultation_id)
        async with self._answering(), self._redis.pipeline(transaction=True) as pipeline:
            if presence is None:
                pipeline.hdel(key, role.value)
            else:
                pipeline.hset(key, role.value, _dump(presence))
            pipeline.expire(key, TTL_S)
            await pipeline.execute()

    async def presence(self, consultation_id: str) -> Mapping[Role, Presence]:
        """Return who sits where."""
        async with self._answering():
            seats = cast(dict[str, str], await self._redis.hgetall(self._seats(consultation_id)))
        return {Role(role): Presence.model_validate_json(seat) for role, seat in seats.items()}

    async def forget(self, consultation_id: str) -> None:
        """Drop everything about a consultation."""
        async with self._answering():
            await self._redis.delete(self._events(consultation_id), self._seats(consultation_id))

    async def aclose(self) -> None:
        """Close connections."""
        await self._redis.aclose()

    def _events(self, consultation_id: str) -> str:
        return f"{self._prefix}:{consultation_id}:events"

    def _seats(self, consultation_id: str) -> str:
        return f"{self._prefix}:{consultation_id}:seats"

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        try:
            yield
        except (RedisError, OSError) as error:
            raise Unavailable(
                f"Redis does not answer ({type(error).__name__}): see REDIS_URL and the server."
            ) from error


def _dump(value: Event | Presence) -> bytes:
    try:
        return value.model_dump_json().encode()
    except PydanticSerializationError:  # half of a surrogate pair has no UTF-8
        return json.dumps(value.model_dump(), ensure_ascii=False, default=str).encode("utf-8", "replace")


def _sequence(entry_id: str) -> int:
    return int(entry_id.split("-")[0])
