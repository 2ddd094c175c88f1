"""Redis, where one is set."""

from __future__ import annotations

from ...settings import Settings
from .finding import Finding, fail, ok

ANSWER_TIMEOUT_S = 3.0


async def check(settings: Settings) -> Finding:
    """Tell whether Redis answers."""
    if settings.redis_url is None:
        return ok("No Redis is set: presence and recent events are kept in memory.")
    import redis.asyncio
    from redis.exceptions import RedisError

    try:
        client = redis.asyncio.from_url(
            settings.redis_url.get_secret_value(),
            socket_connect_timeout=ANSWER_TIMEOUT_S,
            socket_timeout=ANSWER_TIMEOUT_S,
        )
    except ValueError:
        return fail("REDIS_URL cannot be read: set it like redis://localhost:6379/0.")
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return fail(f"Redis does not answer ({error}): check REDIS_URL and that it runs.")
    finally:
        await client.aclose()
    return ok("Redis answers.")
