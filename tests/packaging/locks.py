"""Reads a lock file."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)==(?P<version>\S+)(?: ; (?P<marker>.+))?")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package in one version; `marker` says on which machines."""

    name: str
    version: str
    marker: str
    hashes: frozenset[str]


def read(kind: str) -> list[Pin]:
    """Return the pins of requirements/KIND.lock.

    Raises:
        ValueError: If an entry is anything but an exact version with its hashes.
    """
    text = (ROOT / "requirements" / f"{kind}.lock").read_text()
    pins = []
    for entry in text.replace("\\\n", " ").splitlines():
        requirement, *hashes = re.split(r"\s+--hash=", entry.strip())
        match = PIN.fullmatch(requirement)
        if not match or not hashes:
            raise ValueError(f"{kind}.lock: not an exact version with hashes: {entry!r}")
        pins.append(Pin(match["name"], match["version"], match["marker"] or "", frozenset(h.strip() for h in hashes)))
    return pins
