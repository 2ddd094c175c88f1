"""What the model's queue counts: how long requests wait, how many are read together, what is dropped."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

WAIT_BOUNDS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCH_BOUNDS = (1, 2, 4, 8, 16, 32)


def _zeros(bounds: Sequence[float]) -> list[int]:
    return [0] * (len(bounds) + 1)


@dataclass(slots=True)
class ModelFigures:
    """Counts by bound, the last beyond all, and sums; they only rise."""

    waits: list[int] = field(default_factory=lambda: _zeros(WAIT_BOUNDS_S))
    wait_s: float = 0.0
    batches: list[int] = field(default_factory=lambda: _zeros(BATCH_BOUNDS))
    requests: int = 0
    dropped: int = 0
    broken_batches: int = 0

    def note_batch(self, waited_s: Sequence[float]) -> None:
        """Count a batch whose requests have waited so long each."""
        for wait_s in waited_s:
            self.waits[bisect_left(WAIT_BOUNDS_S, wait_s)] += 1
            self.wait_s += wait_s
        self.batches[bisect_left(BATCH_BOUNDS, len(waited_s))] += 1
        self.requests += len(waited_s)

    def __add__(self, other: ModelFigures) -> ModelFigures:
        return ModelFigures(
            [own + its for own, its in zip(self.waits, other.waits, strict=True)],
            self.wait_s + other.wait_s,
            [own + its for own, its in zip(self.batches, other.batches, strict=True)],
            self.requests + other.requests,
            self.dropped + other.dropped,
            self.broken_batches + other.broken_batches,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return them as JSON values."""
        return asdict(self)
