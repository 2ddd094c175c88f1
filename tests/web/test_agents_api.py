"""Agents are records the owner edits."""

from __future__ import annotations

import pytest

from .conftest import House

AGENT = {
    "name": "Triagem",
    "chat_model": "llama",
    "speech_provider": None,
    "language": "pt",
    "sensitivity": 1,
    "prompt": "Seja breve.\nSem jargão.",
    "suggests": ["red_flag", "answer"],
    "to_patient": "nothing",
    "max_calls": 20,
    "max_tokens": 0,
    "sources": [],
    "shares_names": True,
}


async def test_a_saved_agent_can_be_read_and_is_listed(house: House) -> None:
    saved = await house.call("PUT", "/api/agents/triagem-1", json=AGENT)
    assert saved.status == 200
    assert await saved.json() == {"id": "triagem-1", **AGENT, "sensitivity": 1.0, "report_template": "soap"}
    assert await (await house.call("GET", "/api/agents/triagem-1")).json() == await saved.json()
    agents = (await (await house.call("GET", "/api/agents")).json())["agents"]
    assert [agent["id"] for agent in agents] == ["default", "english", "triagem-1"]


async def test_saving_again_replaces(house: House) -> None:
    await house.call("PUT", "/api/agents/default", json={"name": "Outro"})
    assert house.store.listeners["default"].name == "Outro"


@pytest.mark.parametrize("agent_id", ["Upper", "-x", "a" * 65, "a%2fb", "%00", "a b", "é"])
async def test_an_agent_gets_no_unusable_id(house: House, agent_id: str) -> None:
    assert (await house.call("PUT", f"/api/agents/{agent_id}", json=AGENT)).status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"sensitivity": 1.01},
        {"sensitivity": "0.5"},
        {"suggests": ["horoscope"]},
        {"to_patient": "everything"},
        {"max_calls": -1},
        {"max_tokens": 1.5},
        {"sources": ["../x"]},
        {"prompt": "\0"},
        {"prompt": "x" * 20_001},
        {"name": ""},
        {"id": "y"},
    ],
    ids=repr,
)
async def test_unusable_settings_are_refused(house: House, change: dict[str, object]) -> None:
    assert (await house.call("PUT", "/api/agents/default", json=AGENT | change)).status == 422


async def test_an_agent_chooses_its_speech_provider(house: House) -> None:
    assert (await house.call("PUT", "/api/agents/default", json=AGENT | {"speech_provider": "scripted"})).status == 200
    assert house.store.listeners["default"].speech_provider == "scripted"


async def test_a_source_that_this_server_has_not_is_refused(house: House) -> None:
    refused = await house.call("PUT", "/api/agents/default", json=AGENT | {"sources": ["record"]})
    assert refused.status == 409
    assert "record" in (await refused.json())["error"]["message"]
    assert house.store.listeners["default"].sources == ()


@pytest.mark.parametrize("name", ["telepathy", "../secrets", "openai_compatible"])
async def test_a_speech_provider_that_this_server_has_not_is_refused(house: House, name: str) -> None:
    assert (await house.call("PUT", "/api/agents/default", json=AGENT | {"speech_provider": name})).status == 409
    assert house.store.listeners["default"].speech_provider is None


async def test_an_unknown_agent_is_not_found(house: House) -> None:
    assert (await house.call("GET", "/api/agents/nobody")).status == 404
