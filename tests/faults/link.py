"""A bad network in one direction, as numbers: what becomes of each datagram, and when. Pure and seeded."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Burst:
    """Losses that come together (Gilbert-Elliott): in the bad state everything is lost.

    `share` of all datagrams is lost, `length` in a row on average.
    """

    share: float
    length: float

    @property
    def leave(self) -> float:
        """Chance per datagram that a burst ends."""
        return 1 / self.length

    @property
    def enter(self) -> float:
        """Chance per datagram that one begins."""
        return self.leave * self.share / (1 - self.share)


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a direction treats datagrams. All chances are per datagram.

    `jitter_s`: the delay varies by so much up and down, evenly; order is kept except for the share `reorder`, which
    goes without any jitter. `rate_bps` serves a queue of at most `queue_s`; what finds it full is dropped.
    """

    loss: float = 0.0
    burst: Burst | None = None
    delay_s: float = 0.0
    jitter_s: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0
    rate_bps: int | None = None
    queue_s: float = 0.3
    blackout: bool = False


@dataclass(slots=True)
class LinkCounters:
    """What became of the datagrams."""

    offered: int = 0
    lost: int = 0
    overflowed: int = 0
    delivered: int = 0
    octets: int = 0


class Link:
    """One direction; `conditions` may be changed at any time."""

    def __init__(self, seed: int = 0, conditions: Conditions | None = None) -> None:
        self.conditions = conditions or Conditions()
        self.counters = LinkCounters()
        self._chance = random.Random(seed)
        self._bad = False
        self._served_s = float("-inf")
        self._newest_s = float("-inf")

    def arrivals(self, size: int, now_s: float) -> list[float]:
        """Return when the datagram offered now arrives: never, once or twice."""
        self.counters.offered += 1
        if self._is_lost():
            self.counters.lost += 1
            return []
        sent_s = self._through_queue(size, now_s)
        if sent_s is None:
            self.counters.overflowed += 1
            return []
        copies = 2 if self._happens(self.conditions.duplicate) else 1
        self.counters.delivered += copies
        self.counters.octets += copies * size
        return [self._arrival(sent_s) for _ in range(copies)]

    def _is_lost(self) -> bool:
        conditions = self.conditions
        if conditions.burst is not None:
            change = conditions.burst.leave if self._bad else conditions.burst.enter
            self._bad ^= self._happens(change)
        else:
            self._bad = False
        return conditions.blackout or self._bad or self._happens(conditions.loss)

    def _through_queue(self, size: int, now_s: float) -> float | None:
        conditions = self.conditions
        if conditions.rate_bps is None:
            return now_s
        begins_s = max(now_s, self._served_s)
        if begins_s - now_s > conditions.queue_s:
            return None
        self._served_s = begins_s + 8 * size / conditions.rate_bps
        return self._served_s

    def _arrival(self, sent_s: float) -> float:
        conditions = self.conditions
        arrival_s = sent_s + conditions.delay_s
        if self._happens(conditions.reorder):
            return arrival_s - conditions.jitter_s
        if conditions.jitter_s:
            arrival_s += self._chance.uniform(-conditions.jitter_s, conditions.jitter_s)
        self._newest_s = max(self._newest_s, arrival_s)
        return self._newest_s

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self._chance.random() < chance
