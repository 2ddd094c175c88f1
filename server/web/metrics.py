"""A small metrics registry with Prometheus text exposition. No dependency."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import TypeVar

LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[tuple[str, str], ...]


class Metric:
    """One name, and a value for each combination of labels."""

    kind = "untyped"

    def __init__(self, name: str, description: str) -> None:
        self.name = name
        self.description = description

    def samples(self) -> Iterator[tuple[str, Labels, float]]:
        """Yield suffix of the name, labels and value."""
        raise NotImplementedError

    def exposition(self) -> Iterator[str]:
        """Yield the lines that Prometheus reads."""
        yield f"# HELP {self.name} {_escape(self.description, quotes=False)}"
        yield f"# TYPE {self.name} {self.kind}"
        for suffix, labels, value in self.samples():
            inside = ",".join(f'{key}="{_escape(text)}"' for key, text in labels)
            yield (
                f"{self.name}{suffix}{{{inside}}} {number(value)}"
                if inside
                else (f"{self.name}{suffix} {number(value)}")
            )


AnyMetric = TypeVar("AnyMetric", bound=Metric)


class Counter(Metric):
    """Only rises."""

    kind = "counter"

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, description)
        self._values: dict[Labels, float] = {}

    def inc(self, amount: float = 1.0, /, **labels: str) -> None:
        """Add `amount` (not negative) to the value of these labels."""
        key = tuple(sorted(labels.items()))
        self._values[key] = self._values.get(key, 0.0) + max(0.0, amount)

    def value(self, **labels: str) -> float:
        """Return the value of these labels."""
        return self._values.get(tuple(sorted(labels.items())), 0.0)

    def samples(self) -> Iterator[tuple[str, Labels, float]]:
        """Yield one sample per combination of labels."""
        for labels, value in self._values.items():
            yield "", labels, value


class Gauge(Metric):
    """Rises and falls: set it, or give a function that tells it when asked."""

    kind = "gauge"

    def __init__(self, name: str, description: str, read: Callable[[], float] | None = None) -> None:
        super().__init__(name, description)
        self._read = read
        self._values: dict[Labels, float] = {}

    def set(self, value: float, /, **labels: str) -> None:
        """Set the value of these labels."""
        self._values[tuple(sorted(labels.items()))] = value

    def samples(self) -> Iterator[tuple[str, Labels, float]]:
        """Yield one sample per combination of labels, the function's first."""
        if self._read is not None:
            yield "", (), self._read()
        for labels, value in self._values.items():
            yield "", labels, value


class Histogram(Metric):
    """Counts observations by upper bound, without labels."""

    kind = "histogram"

    def __init__(self, name: str, description: str, bounds: Sequence[float] = LATENCY_BUCKETS_S) -> None:
        super().__init__(name, description)
        self._bounds = tuple(sorted(bounds))
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count one observation."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def samples(self) -> Iterator[tuple[str, Labels, float]]:
        """Yield cumulative buckets, sum and count."""
        totals = list(accumulate(self._counts))
        for bound, total in zip((*self._bounds, math.inf), totals, strict=True):
            yield "_bucket", (("le", number(bound)),), total
        yield "_sum", (), self._sum
        yield "_count", (), totals[-1]


class CountedElsewhere(Metric):
    """A histogram that somebody else keeps: `read` returns counts by bound, the last beyond all, and the sum."""

    kind = "histogram"

    def __init__(
        self, name: str, description: str, bounds: Sequence[float], read: Callable[[], tuple[Sequence[int], float]]
    ) -> None:
        super().__init__(name, description)
        self._bounds = tuple(bounds)
        self._read = read

    def samples(self) -> Iterator[tuple[str, Labels, float]]:
        """Yield cumulative buckets, sum and count."""
        counts, total_s = self._read()
        totals = list(accumulate(counts))
        for bound, total in zip((*self._bounds, math.inf), totals, strict=True):
            yield "_bucket", (("le", number(bound)),), total
        yield "_sum", (), total_s
        yield "_count", (), totals[-1]


class Metrics:
    """All metrics of a server. Asking for a name again returns the same metric."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}
        self._collectors: list[Callable[[], None]] = []

    def counter(self, name: str, description: str) -> Counter:
        """Return the counter called `name`."""
        return self._register(Counter(name, description))

    def gauge(self, name: str, description: str, read: Callable[[], float] | None = None) -> Gauge:
        """Return the gauge called `name`; `read`, if given, tells its value at each exposition."""
        return self._register(Gauge(name, description, read))

    def histogram(self, name: str, description: str, bounds: Sequence[float] = LATENCY_BUCKETS_S) -> Histogram:
        """Return the histogram called `name`."""
        return self._register(Histogram(name, description, bounds))

    def counted_elsewhere(
        self, name: str, description: str, bounds: Sequence[float], read: Callable[[], tuple[Sequence[int], float]]
    ) -> CountedElsewhere:
        """Return the histogram called `name`, whose counts by bound (the last beyond all) and sum `read` returns."""
        return self._register(CountedElsewhere(name, description, bounds, read))

    def before_exposition(self, collect: Callable[[], None]) -> None:
        """Have `collect` called before each exposition, to bring metrics up to date."""
        self._collectors.append(collect)

    def exposition(self) -> str:
        """Return all metrics as Prometheus text."""
        for collect in self._collectors:
            collect()
        return "".join(f"{line}\n" for metric in self._metrics.values() for line in metric.exposition())

    def _register(self, metric: AnyMetric) -> AnyMetric:
        known = self._metrics.setdefault(metric.name, metric)
        if not isinstance(known, type(metric)):
            raise ValueError(f"The metric {metric.name} is a {known.kind} already, not a {metric.kind}.")
        return known


def number(value: float) -> str:
    """Return `value` as Prometheus reads it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _escape(text: str, quotes: bool = True) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text
