"""Whether this machine reads speech fast enough for live captions."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from ...child import command
from ...settings import Settings
from .finding import Finding, ok, warn

_LOCAL = "faster_whisper"


async def check(settings: Settings) -> Finding:
    """Have the model read a sentence a few times; tell with how many speakers it keeps up, and what would suit."""
    if settings.speech_provider != _LOCAL:
        return ok("Speech is not read by a model on this machine: there is nothing to measure.")
    measured = await _measure(settings)
    if "failed" in measured:
        return warn(f"Not measured: {measured['failed']}")
    return judged(measured)


def judged(measured: dict[str, Any]) -> Finding:
    """Return what to say of a measurement."""
    from ...speech.capacity import Pace, advice, most_speakers
    from ...speech.model_files import PACKAGED

    pace = Pace(*(float(measured[name]) for name in ("interim_s", "final_s", "each_s")))
    read = (
        f"{measured['model']} on {measured['device']} reads 4 s of speech in {pace.interim_s:.2f} s while they are "
        f"spoken and in {pace.final_s:.2f} s as a final"
    )
    told = f"{read}: {advice(pace, reads_base=measured['model'] == PACKAGED)}"
    return ok(told) if most_speakers(pace) else warn(told)


async def _measure(settings: Settings) -> dict[str, Any]:
    from ...speech.options import ProviderOptions

    options = ProviderOptions.from_settings(settings).model_copy(update={"api_key": ""})
    # A process of its own: it can be ended when it takes too long, and takes its memory with it.
    child = await asyncio.create_subprocess_exec(
        *command("server.speech.measure.pace"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        answer, _ = await child.communicate(options.model_dump_json().encode())
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    try:
        measured: dict[str, Any] = json.loads(answer)
    except ValueError:
        return {"failed": f"the process that measures ended with exit status {child.returncode}."}
    return measured
