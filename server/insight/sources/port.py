"""What a context source must do."""

from __future__ import annotations

from typing import Any, Protocol

from ..background import Subject


class SourceFailed(Exception):
    """A source gave nothing. The message is one sentence without addresses, keys or data."""


class Source(Protocol):
    """Looks up what another system knows of a consultation's people. Reads, and changes nothing."""

    @property
    def name(self) -> str:
        """What agents call it."""

    async def fetch(self, subject: Subject) -> Any:
        """Return what it knows, as JSON can say it.

        Raises:
            SourceFailed: If it gives nothing within its time and size.
        """
