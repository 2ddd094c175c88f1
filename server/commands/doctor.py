"""`doctor`: look whether everything a call needs is there."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from ..logs import configure_logs
from ..settings import Settings, load_settings

if TYPE_CHECKING:
    from .checks.finding import Finding

HELP = (
    "Check ports, address, disk, database, speech model and TURN, measure how fast the chat model answers and how many "
    "speakers captions keep up with; status 1 when something is wrong."
)

TIMEOUT_S = 90.0
"""Longest wait for one check; loading a large model takes the longest."""

Check = Callable[[Settings], Awaitable["Finding"]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print one line for each check; status 1 when one failed."""
    settings = load_settings()
    configure_logs("error", settings.log_format)  # the findings say what the parts would log
    return asyncio.run(examine(settings, _checks(), as_json=arguments.json, measurements=_measurements()))


async def examine(
    settings: Settings, checks: Mapping[str, Check], *, as_json: bool, measurements: Mapping[str, Check] | None = None
) -> int:
    """Run `checks` at the same time, `measurements` one by one once those leave the machine to them.

    Prints what they found in their order, returns the exit status.
    """
    findings: dict[str, Finding] = {}

    def tell(name: str, finding: Finding) -> None:
        findings[name] = finding
        if not as_json:
            print(f"{finding.outcome:<4}  {name:<14}  {finding.sentence}", flush=True)

    async with asyncio.TaskGroup() as group:
        running = {name: group.create_task(_bounded(check, settings)) for name, check in checks.items()}
        for name, task in running.items():
            tell(name, await task)
    for name, measure in (measurements or {}).items():
        tell(name, await _bounded(measure, settings))
    healthy = all(finding.outcome != "fail" for finding in findings.values())
    if as_json:
        listed = [
            {"name": name, "outcome": finding.outcome, "sentence": finding.sentence}
            for name, finding in findings.items()
        ]
        print(json.dumps({"healthy": healthy, "checks": listed}, ensure_ascii=False))
    return 0 if healthy else 1


async def _bounded(check: Check, settings: Settings) -> Finding:
    from .checks.finding import fail

    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await check(settings)
    except TimeoutError:
        return fail(f"This took more than {TIMEOUT_S:.0f} s and was given up.")
    except Exception as error:  # a fault in one check must not hide what the others found
        return fail(f"The check itself failed with {type(error).__name__}: {error}")


def _measurements() -> dict[str, Check]:
    from .checks import captions, chat_model

    return {"chat model": chat_model.check, "captions": captions.check}


def _checks() -> dict[str, Check]:
    from .checks import (
        address,
        database,
        folders,
        live,
        media_ports,
        page,
        port,
        second_pass,
        speech,
        tls,
        turn,
        workers,
    )

    return {
        "port": port.check,
        "media ports": media_ports.check,
        "address": address.check,
        "workers": workers.check,
        "page": page.check,
        "certificate": tls.check,
        "data folder": folders.check_data,
        "recordings": folders.check_recordings,
        "disk": folders.check_disk,
        "database": database.check,
        "speech model": speech.check,
        "second pass": second_pass.check,
        "TURN": turn.check,
        "Redis": live.check,
    }
