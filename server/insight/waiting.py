"""What was heard and waits to be considered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Batch:
    """Utterances to consider together, and when each was heard. `modelled`: those that a model will judge."""

    heard_s: dict[str, float] = field(default_factory=dict)
    modelled: frozenset[str] = frozenset()

    @property
    def since_s(self) -> float:
        """When the oldest was heard."""
        return min(self.heard_s.values())

    def with_(self, utterance_id: str, now_s: float, *, modelled: bool) -> Batch:
        """Return the batch with one utterance more."""
        more = frozenset({utterance_id}) if modelled else frozenset()
        return Batch({**self.heard_s, utterance_id: now_s}, self.modelled | more)


class Waiting:
    """A batch that grows until it is taken."""

    def __init__(self) -> None:
        self.closing = False
        self._batch = Batch()
        self._wake = asyncio.Event()

    def add(self, utterance_id: str, now_s: float, *, modelled: bool) -> None:
        """Let it wait."""
        self._batch = self._batch.with_(utterance_id, now_s, modelled=modelled)
        self._wake.set()

    def put_back(self, batch: Batch) -> None:
        """Let what was taken wait again, together with what came since."""
        self._batch = Batch({**batch.heard_s, **self._batch.heard_s}, batch.modelled | self._batch.modelled)
        self._wake.set()

    def close(self) -> None:
        """Let `take` return None once nothing waits."""
        self.closing = True
        self._wake.set()

    async def take(self) -> Batch | None:
        """Return what waits as soon as something does; None once closed."""
        while not self._batch.heard_s:
            if self.closing:
                # The bus hands over its last finals in the loop's next rounds.
                for _ in range(3):
                    await asyncio.sleep(0)
                if not self._batch.heard_s:
                    return None
                break
            self._wake.clear()
            await self._wake.wait()
        batch, self._batch = self._batch, Batch()
        return batch
