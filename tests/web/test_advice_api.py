"""What the agent knows beforehand and what it did are the clinician's, and the service's."""

from __future__ import annotations

import pytest

from .conftest import House
from .fakes import CONSULTATION, ENDED_CONSULTATION, OTHER_CONSULTATION

ONE = f"/api/consultations/{CONSULTATION}"


async def test_the_log_says_who_was_asked_what_it_cost_and_what_the_clinician_did(house: House) -> None:
    for role in ("service", "clinician"):
        ((entry,), found) = await entries(house, role)
        assert found["consultation_id"] == CONSULTATION
        interaction = entry["interaction"]
        assert (interaction["model"], interaction["prompt_version"]) == ("small", "tips@0123456789ab")
        assert (interaction["prompt_tokens"], interaction["latency_s"]) == (900, 1.5)
        assert interaction["sources"] == {"record": "ok"}
        (tip,) = entry["tips"]
        assert (tip["tip"]["id"], tip["mark"], tip["released_at_s"]) == ("for-clinician", "useful", None)
        assert tip["tip"]["evidence"][0]["utterance_id"] == "u2"


async def entries(house: House, role: str) -> tuple[list[dict], dict]:  # type: ignore[type-arg]
    answer = await house.call("GET", f"{ONE}/interactions", role)  # type: ignore[arg-type]
    assert answer.status == 200
    found = await answer.json()
    return found["entries"], found


async def test_a_consultation_without_advice_has_an_empty_log(house: House) -> None:
    answer = await house.call("GET", f"/api/consultations/{OTHER_CONSULTATION}/interactions")
    assert (await answer.json())["entries"] == []


@pytest.mark.parametrize("path", [f"{ONE}/interactions", f"{ONE}/context"])
async def test_a_patient_reads_neither(path: str, house: House) -> None:
    assert (await house.call("GET", path, "patient")).status == 403
    assert (await house.call("GET", path, None)).status == 401


async def test_what_is_told_beforehand_can_be_read_and_replaced(house: House) -> None:
    assert await (await house.call("GET", f"{ONE}/context", "clinician")).json() == {"context": "Gestante"}
    said = {"context": "Gestante de 20 semanas.\nAlérgica a dipirona."}
    assert (await house.call("PUT", f"{ONE}/context", "clinician", json=said)).status == 200
    assert house.store.contexts[CONSULTATION] == said["context"]
    assert (await house.call("PUT", f"{ONE}/context", "patient", json=said)).status == 403
    assert (await house.call("PUT", f"{ONE}/context", json={"context": "x" * 8001})).status == 422


async def test_a_consultation_may_be_created_with_it_and_no_participant_is_shown_it(house: House) -> None:
    secret = "Suspeita de violência em casa"
    made = await house.call("POST", "/api/consultations", json={"title": "Retorno", "context": secret})
    assert secret not in await made.text()
    assert house.store.contexts[(await made.json())["id"]] == secret
    house.store.contexts[CONSULTATION] = secret
    for role in ("patient", "clinician"):
        assert secret not in await (await house.call("GET", ONE, role)).text()  # type: ignore[arg-type]


async def test_an_ended_consultation_still_tells_what_it_knew(house: House) -> None:
    answer = await house.call("GET", f"/api/consultations/{ENDED_CONSULTATION}/context")
    assert await answer.json() == {"context": ""}
