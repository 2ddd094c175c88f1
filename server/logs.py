"""Logging through structlog. Transcript, tip, report and token text is never logged."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.typing import Processor


def configure_logs(level: str = "info", style: str = "auto") -> None:
    """Send structlog and the standard library's logging to stderr, one event a line.

    `style` is auto (console on a terminal, else json), console or json.
    """
    as_json = style == "json" or (style == "auto" and not sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if as_json else structlog.processors.StackInfoRenderer(),
    ]
    renderer: Processor = structlog.processors.JSONRenderer() if as_json else _console()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # aiohttp logs the bytes of a request that it cannot parse, headers with tokens among them.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


def _console() -> structlog.dev.ConsoleRenderer:
    # Never with the frames' local variables: they hold what is said, and tokens.
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
