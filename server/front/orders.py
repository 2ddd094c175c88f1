"""What the front tells a worker when it starts it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import SecretStr

from ..settings import Settings


@dataclass(frozen=True, slots=True)
class Orders:
    """What the front tells a worker. `settings` are its own, with their secrets: they travel through a pipe."""

    worker: int
    workers: int
    socket: str
    speech_socket: str
    database_url: str = field(repr=False)
    settings: dict[str, Any] = field(repr=False)

    @classmethod
    def of(cls, settings: Settings, **others: Any) -> Orders:
        """Return orders with these settings."""
        revealed = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in settings.model_dump().items()
        }
        return cls(settings=json.loads(json.dumps(revealed, default=str)), **others)

    def line(self) -> bytes:
        """Return them as the line that `main` reads."""
        return json.dumps(asdict(self)).encode() + b"\n"
