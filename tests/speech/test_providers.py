"""Providers are found by name, and say plainly what they lack."""

from pathlib import Path

import pytest

from server.model.errors import InvalidSettings, SpeechUnavailable
from server.speech.options import ProviderOptions
from server.speech.port import StreamOptions
from server.speech.providers import create_provider

PROVIDERS = ("faster_whisper", "scripted")


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_stream_cannot_be_opened_before_it_runs(name: str, tmp_path: Path) -> None:
    provider = create_provider(name, ProviderOptions(models_dir=tmp_path))
    with pytest.raises(SpeechUnavailable):
        await provider.open(StreamOptions())
    await provider.aclose()


async def test_an_unknown_provider_is_named_in_the_error() -> None:
    with pytest.raises(InvalidSettings, match="SPEECH_PROVIDER is 'telepathy'"):
        create_provider("telepathy", ProviderOptions())
    with pytest.raises(InvalidSettings, match=r"'\.\./secrets'"):
        create_provider("../secrets", ProviderOptions())


@pytest.mark.parametrize("name", PROVIDERS)
async def test_a_model_that_is_not_there_is_said_plainly(name: str, tmp_path: Path) -> None:
    provider = create_provider(name, ProviderOptions(model=str(tmp_path / "nowhere"), models_dir=tmp_path))
    if name == "scripted":
        await provider.start()
    else:
        with pytest.raises(SpeechUnavailable, match="nowhere"):
            await provider.start()
    await provider.aclose()
