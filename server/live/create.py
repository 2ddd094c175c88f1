"""Which live store the settings ask for."""

from __future__ import annotations

from ..settings import Settings
from .memory import MemoryLiveStore
from .port import LiveStore
from .redis import RedisLiveStore


def create_live_store(settings: Settings) -> LiveStore:
    """Return Redis if REDIS_URL is set, else memory. Connects to nothing yet.

    Raises:
        InvalidSettings: If REDIS_URL cannot be read.
    """
    if settings.redis_url is None:
        return MemoryLiveStore()
    return RedisLiveStore(settings.redis_url.get_secret_value())
