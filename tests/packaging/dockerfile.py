"""Reads a Dockerfile as far as the tests need it."""

import re
import shlex
from pathlib import Path


def instructions(path: Path) -> list[tuple[str, str]]:
    """Return (INSTRUCTION, rest) pairs, continued lines joined and comments dropped."""
    text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", text)
    pairs = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [(word.upper(), rest.strip()) for word, _, rest in pairs]


def copied_sources(path: Path) -> list[str]:
    """Return what is copied from the build context (not from another stage)."""
    sources = []
    for word, rest in instructions(path):
        if word in {"COPY", "ADD"} and "--from=" not in rest:
            sources += shlex.split(rest)[:-1]
    return sources


def environment(path: Path) -> dict[str, str]:
    """Return the variables set with ENV."""
    return dict(pair.split("=", 1) for word, rest in instructions(path) if word == "ENV" for pair in shlex.split(rest))
