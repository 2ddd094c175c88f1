"""Speech providers, found by name: one file each, with `create(options) -> SpeechToText`."""

from __future__ import annotations

import importlib
import importlib.util
from typing import cast

from ...model.errors import InvalidSettings
from ..options import ProviderOptions
from ..port import SpeechToText

ELSEWHERE = ("openai_compatible", "openai_realtime")
"""Those that send voices to SPEECH_BASE_URL."""


def provider_exists(name: str) -> bool:
    """Return whether there is a provider called `name`; loads none."""
    return name.isidentifier() and importlib.util.find_spec(f"{__name__}.{name}") is not None


def create_provider(name: str, options: ProviderOptions) -> SpeechToText:
    """Return the provider called `name`.

    Raises:
        InvalidSettings: If there is no such provider.
    """
    path = f"{__name__}.{name}"
    try:
        if not name.isidentifier():
            raise ModuleNotFoundError(name=path)
        module = importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        raise InvalidSettings(
            f"SPEECH_PROVIDER is {name!r}, which is no file in server/speech/providers: use faster_whisper, "
            "openai_compatible or openai_realtime."
        ) from error
    return cast(SpeechToText, module.create(options))
