"""`.env.example` lists exactly the settings that exist."""

import re

import pytest

from server.settings import Settings
from tests.packaging import env_example


@pytest.fixture
def listed() -> dict[str, str]:
    return dict(re.findall(r"^([A-Z_0-9]+)=(.*)$", env_example.PATH.read_text(), re.MULTILINE))


def test_every_setting_is_listed_and_nothing_else(listed):
    assert set(listed) == {name.upper() for name in Settings.model_fields}


def test_names_defaults_and_descriptions_are_those_of_the_settings():
    # When this fails: python -m tests.packaging.env_example
    assert env_example.PATH.read_text() == env_example.render()


def test_copied_as_it_is_it_changes_nothing(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    assert Settings(_env_file=env_example.PATH) == Settings(_env_file=None)


def test_secrets_are_empty(listed):
    secret = {name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert secret >= {"API_SECRET", "TURN_SECRET", "LLM_API_KEY", "DATABASE_URL"}
    assert {listed[name] for name in secret} == {""}
