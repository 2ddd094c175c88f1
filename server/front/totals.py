"""The metrics of several workers as those of one server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..web.metrics import number

RISING = frozenset({"counter", "histogram"})
SHARED = frozenset(
    {
        "escuta_journal_lag_seconds",
        "escuta_speech_batch_size",
        "escuta_speech_batches_broken",
        "escuta_speech_interims_dropped",
        "escuta_speech_restarts",
        "escuta_speech_state",
        "escuta_speech_wait_seconds",
        "escuta_storage_state",
    }
)
"""What cannot be summed, or of which each worker tells the same, as of the one speech process: the most counts."""

Samples = dict[str, float]


@dataclass(frozen=True, slots=True)
class Told:
    """What one worker said; `life` is another for each process that takes its place."""

    worker: int
    life: int
    text: str


@dataclass(slots=True)
class _Family:
    head: list[str]
    kind: str = "untyped"
    samples: Samples = field(default_factory=dict)

    def add(self, samples: Mapping[str, float], *, worst: bool = False) -> None:
        for key, value in samples.items():
            before = self.samples.get(key, 0.0)
            self.samples[key] = max(before, value) if worst else before + value


class Totals:
    """Adds up. Counters and histograms never fall: what a process counted that is gone stays counted."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, dict[str, _Family]]] = {}
        self._gone: dict[str, _Family] = {}

    def exposition(self, told: Iterable[Told]) -> str:
        """Return the sum of what the workers said; of one that says nothing, what it had counted before."""
        sums: dict[str, _Family] = {}
        silent = set(self._last)
        for one in told:
            families = dict(_parsed(one.text))
            _add(sums, families)
            self._remember(one, {name: family for name, family in families.items() if family.kind in RISING})
            silent.discard(one.worker)
        for worker in sorted(silent):
            _add(sums, self._last[worker][1])
        _add(sums, self._gone)
        return "".join(f"{line}\n" for family in sums.values() for line in _lines(family))

    def _remember(self, told: Told, rising: dict[str, _Family]) -> None:
        life, last = self._last.get(told.worker, (told.life, {}))
        if life != told.life:
            _add(self._gone, last)
        self._last[told.worker] = (told.life, rising)


def _add(sums: dict[str, _Family], families: Mapping[str, _Family]) -> None:
    for name, family in families.items():
        sums.setdefault(name, _Family(family.head, family.kind)).add(family.samples, worst=name in SHARED)


def _parsed(text: str) -> Iterator[tuple[str, _Family]]:
    """Read what `web.metrics` writes: each metric's help and type come before its samples."""
    family = _Family([])
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = _Family([line])
            yield line.split(" ", 3)[2], family
        elif line.startswith("# TYPE "):
            family.head.append(line)
            family.kind = line.rsplit(" ", 1)[1]
        elif line:
            key, _, value = line.rpartition(" ")
            family.samples[key] = float(value)


def _lines(family: _Family) -> Iterator[str]:
    yield from family.head
    for key, value in family.samples.items():
        yield f"{key} {number(value)}"
