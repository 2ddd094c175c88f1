"""Create, list, read, end, and issue tokens."""

from __future__ import annotations

import pytest

from .conftest import House
from .fakes import CONSULTATION, ENDED_CONSULTATION, OTHER_CONSULTATION


async def test_a_created_consultation_can_be_read(house: House) -> None:
    created = await house.call("POST", "/api/consultations", json={"title": "Retorno", "language": "en"})
    assert created.status == 201
    made = await created.json()
    assert (made["title"], made["language"], made["agent_id"]) == ("Retorno", "en", "default")
    read = await house.call("GET", f"/api/consultations/{made['id']}")
    assert (await read.json())["live"] is False


async def test_an_empty_wish_gets_the_servers_defaults(house: House) -> None:
    made = await (await house.call("POST", "/api/consultations", json={})).json()
    assert (made["title"], made["language"], made["status"]) == ("", "pt", "scheduled")
