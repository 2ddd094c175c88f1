"""What participants are told of where their voices go."""

from __future__ import annotations

import pytest

from server.settings import Settings
from server.speech.elsewhere import voices_go_to


@pytest.mark.parametrize(
    ("provider", "url", "name", "told"),
    [
        ("faster_whisper", "https://api.example.org/v1", "", None),
        ("openai_compatible", "https://api.example.org/v1", "", "api.example.org"),
        ("openai_realtime", "https://API.example.org:8443/secret/path/v1", "", "api.example.org"),
        ("openai_compatible", "http://192.168.1.7:8000/v1", "", "192.168.1.7"),
        ("openai_compatible", "http://127.0.0.1:8000/v1", "", None),
        ("openai_compatible", "http://[::1]:8000/v1", "", None),
        ("openai_compatible", "http://localhost:8000/v1", "", None),
        ("openai_compatible", "http://127.0.0.1:4000/v1", "Fala S.A.", "Fala S.A."),
        ("openai_compatible", "https://api.example.org/v1", "Fala S.A.", "Fala S.A."),
        ("faster_whisper", "https://api.example.org/v1", "Fala S.A.", None),
        ("openai_compatible", "", "", None),
        ("openai_compatible", "http://[", "", None),
    ],
)
def test_a_service_is_named_by_its_host_or_as_its_owner_says(
    provider: str, url: str, name: str, told: str | None
) -> None:
    settings = Settings(_env_file=None, speech_base_url=url, speech_service_name=name, speech_api_key="sk-secret")
    assert voices_go_to(provider, settings) == told
