"""The speech model."""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path

from ...model.errors import EscutaError
from ...settings import Settings
from .finding import Finding, fail, ok, warn

_ELSEWHERE = ("openai_compatible", "openai_realtime")


async def check(settings: Settings) -> Finding:
    """Tell whether the model's files are what they should be and the provider loads them in its process."""
    if settings.speech_provider == "faster_whisper":
        try:
            wrong = await asyncio.to_thread(_wrong_file, settings)
        except (EscutaError, OSError) as error:
            return fail(str(error))
        if wrong is not None:
            return fail(f"{wrong} is not what was installed (its sha256 differs): remove it; it is made again.")
    found = await _load(settings)
    if found.outcome == "fail" or not settings.speech_base_url:
        return found
    return await _elsewhere(settings, found)


async def _elsewhere(settings: Settings, loaded: Finding) -> Finding:
    """Have the service elsewhere read a second of silence."""
    import numpy as np

    from ...speech.options import ProviderOptions
    from ...speech.realtime_socket import RealtimeEndpoint
    from ...speech.recogniser import Request
    from ...speech.remote_requests import RemoteFailed
    from ...speech.transcription_endpoint import TranscriptionEndpoint

    options = ProviderOptions.from_settings(settings)
    endpoint: RealtimeEndpoint | TranscriptionEndpoint
    try:
        endpoint = (RealtimeEndpoint if settings.speech_provider == "openai_realtime" else TranscriptionEndpoint)(
            options
        )
    except EscutaError as error:
        return fail(str(error))
    try:
        await endpoint.read(Request(np.zeros(16_000, np.float32), "pt", final=True))
    except RemoteFailed as error:
        away = f"The speech service at {endpoint.host} {error}."
        return fail(away) if settings.speech_provider in _ELSEWHERE else warn(f"{loaded.sentence} {away}")
    finally:
        await endpoint.aclose()
    whose = "Voices are" if settings.speech_provider in _ELSEWHERE else "Voices of agents that choose it are"
    return ok(f"{loaded.sentence} {whose} sent to {endpoint.host}, which answers.")


def _wrong_file(settings: Settings) -> Path | None:
    """Return a file whose content is not what its folder's list of sha256 sums says, if there is a list."""
    from ...speech.device import places
    from ...speech.model_files import model_folder
    from ...speech.options import ProviderOptions

    options = ProviderOptions.from_settings(settings)
    folder = model_folder(places(options)[0].model, options.models_dir)
    listed = folder / "verified.sha256"
    if not listed.exists():
        return None
    for line in listed.read_text().splitlines():
        expected, *_, name = line.split()
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                return folder / name
    return None


async def _load(settings: Settings) -> Finding:
    from ...speech.port import StateChanged
    from ...speech.service import SpeechService

    service = SpeechService(settings)
    decided: asyncio.Future[StateChanged] = asyncio.get_running_loop().create_future()

    def on_state(state: StateChanged) -> None:
        if state.state in ("ok", "failing") and not decided.done():
            decided.set_result(state)

    service.subscribe_state(on_state)
    began_s = time.monotonic()
    try:
        await service.start()
        state = await decided
    finally:
        await service.aclose()
    model = settings.speech_model or "the default model"
    what = f"{settings.speech_provider} with {model} on {settings.speech_device}"
    if settings.speech_provider in _ELSEWHERE:
        what = f"{settings.speech_provider} with {settings.speech_remote_model!r}"
    if state.state == "failing":
        return fail(f"{what} does not load: {state.detail}")
    return ok(f"{what} loads in {time.monotonic() - began_s:.1f} s.")
