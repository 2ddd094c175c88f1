"""What chat models are writing: at most one draft a consultation, beside everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import structlog

from ..insight.drafting.notebook import Notebook, Written
from ..insight.drafting.templates import Template
from ..model.errors import Conflict, EscutaError

log = structlog.get_logger()


class Writing:
    """Tasks that end with the `async with` block: what is not written by then is given up."""

    def __init__(self) -> None:
        self.failures = 0
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in tuple(self._running.values()):
            task.cancel()
        await self._tasks.__aexit__(None, None, None)

    def is_on(self, consultation_id: str) -> bool:
        """Tell whether a draft is being written."""
        return consultation_id in self._running

    def start(
        self,
        consultation_id: str,
        notebook: Notebook,
        form: Template,
        keep: Callable[[Written], Awaitable[object]],
        done: Callable[[], Awaitable[None]],
    ) -> None:
        """Let the notebook's model write by `form` and `keep` it; what was being written before is given up."""
        before = self._running.pop(consultation_id, None)
        if before is not None:
            before.cancel()
        task = self._tasks.create_task(self._write(consultation_id, notebook, form, keep, done))
        self._running[consultation_id] = task
        task.add_done_callback(lambda ended: self._forget(consultation_id, ended))

    def _forget(self, consultation_id: str, ended: asyncio.Task[None]) -> None:
        if self._running.get(consultation_id) is ended:
            del self._running[consultation_id]

    async def _write(
        self,
        consultation_id: str,
        notebook: Notebook,
        form: Template,
        keep: Callable[[Written], Awaitable[object]],
        done: Callable[[], Awaitable[None]],
    ) -> None:
        try:
            written = await notebook.write(form)
            if written is not None:
                await keep(written)
        except Conflict:
            log.info("report.written_too_late", consultation_id=consultation_id)
        except Exception as error:  # the draft by the rules stands
            self.failures += 1
            reason = str(error) if isinstance(error, EscutaError) else type(error).__name__
            log.warning("report.not_written", consultation_id=consultation_id, reason=reason)
        finally:
            await done()
