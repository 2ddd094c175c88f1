"""Named SQL: `queries.sql` read once, each statement under its `-- name:`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def queries() -> dict[str, bytes]:
    """Return every statement by name.

    Raises:
        ValueError: If two statements have the same name.
    """
    return parse(Path(__file__).with_name("queries.sql").read_text())


def parse(text: str) -> dict[str, bytes]:
    """Split `text` at its `-- name:` lines; comment lines do not count as part of a statement.

    Raises:
        ValueError: If two statements have the same name.
    """
    parts = NAME.split(text)[1:]
    statements: dict[str, bytes] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in statements:
            raise ValueError(f"queries.sql names {name} twice")
        lines = (line for line in body.splitlines() if line.strip() and not line.startswith("--"))
        statements[name] = "\n".join(lines).encode()
    return statements
