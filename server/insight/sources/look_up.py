"""Ask several sources at once; one that fails costs its own data and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog

from ..background import LookedUp, LookUp, Subject
from .file import sources
from .port import Source, SourceFailed

log = structlog.get_logger()


def look_up_in(path: Path | None) -> LookUp:
    """Return what asks the sources of the owner's file.

    Raises:
        InvalidSettings: If the file cannot be used.
    """
    known = sources(path)

    async def look_up(names: Sequence[str], subject: Subject) -> LookedUp:
        return await _ask(known, names, subject)

    return look_up


async def _ask(known: Mapping[str, Source], names: Sequence[str], subject: Subject) -> LookedUp:
    found = await asyncio.gather(*(_fetched(known.get(name), subject) for name in names))
    named = dict(zip(names, found, strict=True))
    return LookedUp(
        data={name: data for name, (state, data) in named.items() if state == "ok"},
        states={name: state for name, (state, _) in named.items()},
    )


async def _fetched(source: Source | None, subject: Subject) -> tuple[str, Any]:
    if source is None:
        return "This server has no such source.", None
    try:
        return "ok", await source.fetch(subject)
    except SourceFailed as failure:
        log.warning("sources.failed", source=source.name, reason=str(failure))
        return str(failure), None
    except Exception as error:
        log.warning("sources.failed", source=source.name, error=type(error).__name__)
        return f"It failed ({type(error).__name__}).", None
