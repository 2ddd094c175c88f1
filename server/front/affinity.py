"""Which worker a consultation lives in: the same for everybody who asks, whatever has run before."""

from __future__ import annotations

from hashlib import blake2b


def owner(key: str, workers: int) -> int:
    """Return which of `workers` (their numbers begin at 0) owns a consultation, by its id."""
    return ranking(key, workers)[0]


def ranking(key: str, workers: int) -> list[int]:
    """Return the workers in the order in which `key` prefers them.

    With another number of workers as few keys as possible move.

    Source: rendezvous hashing, Thaler and Ravishankar 1998.
    """
    return sorted(range(workers), key=lambda worker: _weight(key, worker), reverse=True)


def _weight(key: str, worker: int) -> bytes:
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, salt=worker.to_bytes(4, "big")).digest()
