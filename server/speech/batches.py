"""Which requests a model reads together, how many at most, and what becomes of a batch that fails."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, runtime_checkable

import structlog

from .recogniser import Hypothesis, Request

log = structlog.get_logger()

LONGEST_S = 0.6
"""How long a batch may take: whoever comes next waits for it."""

Outcome = Hypothesis | Exception | None
"""What became of a request; None: it was not read."""


@runtime_checkable
class Batches(Protocol):
    """How a model reads several requests at once."""

    @property
    def most(self) -> int:
        """How many at most; 1: none together."""

    def kind(self, request: Request) -> Hashable:
        """Return what requests that are read together have in common. Cheap."""

    def recognise_batch(self, requests: Sequence[Request]) -> list[Hypothesis]:
        """Read requests of one kind as `recognise` would read each. Blocks."""


class BatchSize:
    """How many requests go together now: fewer once a batch took too long or failed, more again when it is quick."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.now = most

    def learn(self, count: int, took_s: float, *, broken: bool) -> None:
        """Take note of a batch of `count`."""
        if broken or (took_s > LONGEST_S and count > 1):
            self.now = max(1, count // 2)
        elif count == self.now < self._most and took_s < LONGEST_S / 2:
            self.now = min(self._most, 2 * self.now)


def read_each(
    requests: Sequence[Request], recognise: Callable[[Request], Hypothesis], batches: Batches | None
) -> tuple[list[Outcome], bool]:
    """Return the outcome of each request, and whether reading them together failed: then each was read alone."""
    broken = False
    if len(requests) > 1 and batches is not None:
        try:
            found = batches.recognise_batch(requests)
            return [found[place] for place in range(len(requests))], False
        except Exception as error:  # whichever request it was: the others must not suffer
            broken = True
            log.warning("speech.batch_failed", size=len(requests), error=type(error).__name__)
    return [_read_alone(request, recognise) for request in requests], broken


def _read_alone(request: Request, recognise: Callable[[Request], Hypothesis]) -> Outcome:
    try:
        return recognise(request)
    except Exception as error:  # it is the stream's that asked
        return error
