"""The database that the settings choose."""

from __future__ import annotations

from contextlib import AsyncExitStack

from ..settings import Settings
from .cluster import CONNECTIONS, CONNECTIONS_EACH
from .embedded import EmbeddedPostgres


async def database_url(settings: Settings, stack: AsyncExitStack, processes: int = 1) -> str:
    """Return where the database is, with room for so many processes; an embedded one runs until `stack` is left.

    Raises:
        Conflict: If another Escuta uses the embedded one.
        DatabaseUnavailable: If that does not start.
    """
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    connections = CONNECTIONS + (processes - 1) * CONNECTIONS_EACH
    embedded = EmbeddedPostgres(settings.data_dir, connections)
    url = await embedded.start()
    stack.push_async_callback(embedded.stop)
    return url
